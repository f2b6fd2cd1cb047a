package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An endpoint that dies under load costs only the requests that were on it: whatever begins after its death goes to
// another, before any probe has noticed. It returns by itself.
func TestKilledEndpointCostsOnlyWhatItHeld(t *testing.T) {
	const clients = 16
	servers := threeServers(t)
	victim := servers[1]
	g := serve(t, "", servers...)
	l := startLoad(t, g.url, clients)
	l.awaitMore(t, 20, victim.name)

	victim.kill(t)
	died := time.Now()
	eventually(t, "it is out", func() bool { return !g.endpoints(t)[victim.name].Eligible })
	require.Contains(t, []string{"probe_failed", "ejected"}, g.endpoints(t)[victim.name].Conditions[0].Name) // whoever sees it first
	l.awaitMore(t, 20, "")

	victim.run(t)
	eventually(t, "it is back", func() bool { return g.endpoints(t)[victim.name].Eligible })
	l.awaitMore(t, 20, victim.name)

	lost := 0
	all := l.finish()
	for _, e := range all {
		if e.problem == "" {
			continue
		}
		lost++
		require.Equal(t, victim.name, e.server, e.problem)
		require.True(t, e.began.Before(died), "began %v after the death: %s", e.began.Sub(died), e.problem)
	}
	require.LessOrEqual(t, lost, clients)
	t.Logf("%d requests, %d lost, all of them on the killed endpoint", len(all), lost)
	g.atRest(t)
}

// Draining is how to take an endpoint away without losing anything.
func TestDrainedEndpointCostsNothing(t *testing.T) {
	servers := threeServers(t)
	name := servers[2].name
	g := serve(t, "", servers...)
	l := startLoad(t, g.url, 8)
	l.awaitMore(t, 10, name)

	path := g.admin + "/api/v1/upstreams/chat/endpoints/" + name
	require.Equal(t, 200, post(t, path+"/drain"))
	eventually(t, "it is empty", func() bool { return g.endpoints(t)[name].InFlight == 0 })
	servers[2].kill(t)
	l.awaitMore(t, 20, "")
	servers[2].run(t)
	eventually(t, "it is well", func() bool { return len(g.endpoints(t)[name].Conditions) == 1 })
	require.Equal(t, 200, post(t, path+"/undrain"))
	l.awaitMore(t, 10, name)
	for _, e := range l.finish() {
		require.Empty(t, e.problem)
	}
	g.atRest(t)
}
