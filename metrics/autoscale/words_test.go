package autoscale

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestDurationsHaveOneForm: "5.5 s" stands beside "60 s" in one sentence.
func TestDurationsHaveOneForm(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 5460 * time.Millisecond: "5.5 s", 60 * time.Second: "60 s", 5 * time.Minute: "5 min", 3 * time.Hour: "3 h",
	} {
		assert.Equal(t, want, short(d))
	}
}
