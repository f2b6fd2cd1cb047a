// Rules that count requests or tokens.

package rival

import "github.com/steelyard-proxy/steelyard/balancer"

// LeastConnections gives a request to the server with the fewest in flight, whatever it can do: the default of many.
func LeastConnections(o Options) balancer.Builder {
	return newBuilder(rule{name: "least connections, unweighted", choose: fewest}, o)
}

func fewest(g *gateway, _ *request) *server { return g.least(requests) }

// UncachedTokens gives a request to the server with the fewest prompt tokens to read for its capacity, this request's
// included.
func UncachedTokens(o Options) balancer.Builder {
	return newBuilder(rule{name: "uncached tokens outstanding / C", index: likeTheCache, choose: func(g *gateway, q *request) *server {
		return g.least(func(s *server) float64 { return (s.uncached + q.tokens - g.matched(s, q)) / s.capacity })
	}}, o)
}

// UnreadTokens is UncachedTokens, but a prompt counts until the first token only.
func UnreadTokens(o Options) balancer.Builder {
	return newBuilder(rule{name: "unread tokens / C", index: likeTheCache, choose: func(g *gateway, q *request) *server {
		return g.least(func(s *server) float64 { return (s.unread + q.tokens - g.matched(s, q)) / s.capacity })
	}}, o)
}
