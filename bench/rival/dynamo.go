// Dynamo's KV router.

package rival

import "github.com/steelyard-proxy/steelyard/balancer"

// Dynamo is its KV router with the settings it comes with: the fewest tokens to read, this prompt's included but for what
// is cached there, plus tokens held in KV by requests in flight. Nothing is drawn, and servers have no weights.
func Dynamo(o Options) balancer.Builder {
	return newBuilder(rule{name: "Dynamo KV", index: likeTheCache, choose: func(g *gateway, q *request) *server {
		return g.least(func(s *server) float64 { return g.dynamo(s, q) })
	}}, o)
}

// DynamoByCapacity is the same cost for the server's capacity.
func DynamoByCapacity(o Options) balancer.Builder {
	return newBuilder(rule{name: "Dynamo's cost / C", index: likeTheCache, choose: func(g *gateway, q *request) *server {
		return g.least(func(s *server) float64 { return g.dynamo(s, q) / s.capacity })
	}}, o)
}

func (g *gateway) dynamo(s *server, q *request) float64 {
	return max(s.unread+q.tokens-g.matched(s, q), 0) + s.held + q.tokens
}
