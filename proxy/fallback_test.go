package proxy_test

import (
	"bufio"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
)

// fallback is an upstream with one endpoint at the address, which has the same name.
func fallback(t testing.TB, name, address string) *proxy.Upstream {
	r := metrics.New(metrics.Build{Version: "test"})
	u := &proxy.Upstream{
		Name: name, Pool: balancer.NewPool(name, balancer.NewLoads()), Idle: never, Metrics: r.Upstream(name),
		Retry: retry.Default(), Budget: new(retry.Budget), Suspects: new(retry.Suspects),
	}
	o := transport.Options{Network: "tcp", Address: address, Connect: never, MaxIdle: 64, IdleTimeout: never, Metrics: r.Endpoint(name, name)}
	conns := transport.NewPool(o)
	t.Cleanup(conns.Close)
	target := &proxy.Target{Name: name, Host: address, Conns: conns, Metrics: o.Metrics}
	rule, err := policy.Lookup("capacity")
	require.NoError(t, err)
	require.NoError(t, u.Pool.Apply(balancer.Options{Policy: rule}, []balancer.EndpointOptions{{Name: name, URL: "http://" + address, Capacity: 1, Via: target}}))
	return u
}

// takeOut takes all endpoints of a pool out.
func takeOut(t testing.TB, p *balancer.Pool, out bool) {
	for _, e := range p.Snapshot().Endpoints {
		_, err := p.SetCondition(e.Endpoint.Name(), balancer.ProbeFailed, out, "down")
		require.NoError(t, err)
	}
}

// A request goes to the fallback, and to the fallback of that, while no endpoint is eligible, and log
// and metrics say which upstream served it.
func TestFallback(t *testing.T) {
	s := defaults()
	near, far := fallback(t, "near", answering(t, plain("near"))), fallback(t, "far", answering(t, plain("far")))
	s.upstream.Fallback, near.Fallback = near, far
	s.extra = []*proxy.Upstream{near, far}
	g := serve(t, s, answering(t, plain("a")))
	ask := func() string {
		r, body := dial(t, g).ask(post("hello"))
		require.Equal(t, 200, r.StatusCode)
		return body
	}
	require.Equal(t, "a", ask())
	takeOut(t, g.pool, true)
	require.Equal(t, "near", ask())
	takeOut(t, near.Pool, true)
	require.Equal(t, "far", ask())
	takeOut(t, far.Pool, true)
	r, body := dial(t, g).ask(post("hello"))
	require.Equal(t, 503, r.StatusCode)
	require.Contains(t, body, "upstream far")
	takeOut(t, g.pool, false)
	require.Equal(t, "a", ask())

	var served []string
	eventually(t, "five lines", func() bool { return g.accessed.Len() == 5 })
	for _, line := range g.accessed.All() {
		fields := line.ContextMap()
		served = append(served, fields["upstream"].(string)+" for "+fields["fallback_for"].(string))
	}
	// A line comes after the answer, so that those of two connections may change places.
	require.ElementsMatch(t, []string{"chat for ", "near for chat", "far for chat", "far for chat", "chat for "}, served)
	require.Equal(t, 3, g.count(t, "steelyard_fallbacks_total", "upstream", "chat"))
	require.Equal(t, 2, g.count(t, "steelyard_fallbacks_total", "upstream", "near"))
}

// An endpoint to which no connection can be made has not read the request: the fallback gets it.
// One that has read it is another matter.
func TestFallbackAfterFailures(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint string
		status   int
		asked    int64
	}{
		"no connection": {refusing(t), 200, 1},
		"an error":      {answering(t, failing(500, "a")), 500, 0},
		"broken off":    {endpoint(t, func(_ net.Conn, br *bufio.Reader) { _, _ = http.ReadRequest(br) }), 502, 0},
	} {
		t.Run(name, func(t *testing.T) {
			address, count := counting(t, plain("near"))
			s := hasty()
			near := fallback(t, "near", address)
			s.upstream.Fallback, s.extra = near, []*proxy.Upstream{near}
			g := serve(t, s, c.endpoint)
			r, _ := dial(t, g).ask(post("hello"))
			require.Equal(t, c.status, r.StatusCode)
			require.Equal(t, c.asked, count.Load())
			require.Zero(t, near.Pool.Snapshot().Endpoints[0].Endpoint.Load().InFlight())
		})
	}
}
