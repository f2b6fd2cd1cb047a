package app

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/configs"
)

// Each client may need two descriptors; some are kept for the process and for probes.
func TestClientsAtOnce(t *testing.T) {
	cfg := &configs.Config{Listen: make([]configs.Listen, 1), Upstreams: []configs.Upstream{{Endpoints: make([]configs.Endpoint, 2)}}}
	assert.Equal(t, 10, clientsAtOnce(40, cfg))
	assert.Equal(t, 90, clientsAtOnce(200, cfg))
	assert.Equal(t, 1, clientsAtOnce(5, cfg), "never none")
	assert.Equal(t, (math.MaxInt32-20)/2, clientsAtOnce(math.MaxUint64, cfg), "no limit")
}
