package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// hangUp asks for a reload and waits until it has happened, with this result.
func (g *gateway) hangUp(t *testing.T, result string, times int) {
	t.Helper()
	g.signal(t, syscall.SIGHUP)
	want := fmt.Sprintf("steelyard_config_reloads_total{result=%q} %d\n", result, times)
	eventually(t, "reload: "+result, func() bool { return strings.Contains(get(t, g.admin+"/metrics"), want) })
}

// A reload under load loses nothing, neither when capacities change nor when an endpoint leaves with streams on it.
func TestReloadLosesNothing(t *testing.T) {
	servers := threeServers(t)
	g := serve(t, "", servers...)
	l := startLoad(t, g.url, 8)
	l.awaitMore(t, 10, "")
	for i := range 6 {
		servers[0].capacity = float64(50 + i)
		now := servers[:2+i%2]
		g.write(t, now...)
		g.hangUp(t, "success", 2+i) // the first is the start
		seen := g.endpoints(t)
		require.Len(t, seen, len(now))
		require.InDelta(t, servers[0].capacity, seen["small"].Capacity, 0)
		l.awaitMore(t, 10, "large")
	}

	require.NoError(t, os.WriteFile(g.file, []byte(g.head+"upstreams: nonsense\n"), 0o600))
	g.hangUp(t, "failure", 1)
	require.Equal(t, 200, status(g.admin+"/readyz"), "the old configuration serves on")
	require.Contains(t, get(t, g.admin+"/readyz"), "upstreams")
	require.Contains(t, get(t, g.admin+"/metrics"), "steelyard_config_last_reload_successful 0\n")
	l.awaitMore(t, 10, "medium")

	for _, e := range l.finish() {
		require.Empty(t, e.problem)
	}
	g.atRest(t)
}
