package proxy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// TestWhoIsOutAndWhy: a client learns which endpoints are out and by which condition, the log in whose words.
func TestWhoIsOutAndWhy(t *testing.T) {
	t.Parallel()
	g := serve(t, defaults(), "127.0.0.1:1", "127.0.0.1:1", "127.0.0.1:1")
	for _, c := range []struct {
		endpoint  string
		condition balancer.Condition
		words     string
	}{
		{"a", balancer.Draining, "new driver"}, {"b", balancer.ProbeFailed, "connect: connection refused"},
		{"c", balancer.ProbeFailed, "status 500"}, {"c", balancer.Draining, ""},
	} {
		_, err := g.pool.SetCondition(c.endpoint, c.condition, true, c.words)
		require.NoError(t, err)
	}
	c := dial(t, g)
	c.send(getPath("/"))
	r, body := c.answer()
	require.Equal(t, 503, r.StatusCode)
	require.Contains(t, body, `"message":"no endpoint is eligible: upstream chat: a (draining), b (probe failed), c (draining, probe failed)"`)
	lines := g.logged.FilterMessage("request failed").All()
	require.Len(t, lines, 1)
	require.Equal(t, "upstream chat: a (draining: new driver), b (probe failed: connect: connection refused), c (probe failed: status 500; draining)",
		lines[0].ContextMap()["error"])
}

// TestWhoIsOutIsBounded with a hundred endpoints that have long names.
func TestWhoIsOutIsBounded(t *testing.T) {
	t.Parallel()
	g := serve(t, defaults(), "127.0.0.1:1")
	many := make([]balancer.EndpointOptions, 100)
	for i := range many {
		many[i] = balancer.EndpointOptions{Name: fmt.Sprintf("%03d-%s", i, strings.Repeat("n", 120)), URL: fmt.Sprintf("http://127.0.0.1:%d", i+1), Capacity: 1}
	}
	require.NoError(t, g.pool.Apply(balancer.Options{Policy: g.policy}, many))
	for i := range many {
		_, err := g.pool.SetCondition(many[i].Name, balancer.Draining, true, strings.Repeat("w", 256))
		require.NoError(t, err)
	}
	c := dial(t, g)
	c.send(getPath("/"))
	_, body := c.answer()
	require.Contains(t, body, "000-n")
	require.Less(t, len(body), 1500)
	require.Less(t, len(g.logged.FilterMessage("request failed").All()[0].ContextMap()["error"].(string)), 1100)
}
