package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
)

// The exposition of a gateway that has seen good and bad pleases promtool without a word.
func TestMetricsPleasePromtool(t *testing.T) {
	need(t, "promtool")
	servers := threeServers(t)
	g := serve(t, "", servers...)
	l := startLoad(t, g.url, 4)
	l.awaitMore(t, 10, "")
	servers[0].fault(t, backend.CutStream)
	l.awaitMore(t, 10, "")
	servers[1].kill(t)
	l.awaitMore(t, 10, "")
	l.finish()
	check := exec.Command("promtool", "check", "metrics")
	check.Stdin = strings.NewReader(get(t, g.admin+"/metrics"))
	said, err := check.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Empty(t, strings.TrimSpace(string(said)))
}
