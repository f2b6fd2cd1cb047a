// Rules that weigh a known prefix against the load: AIBrix and production-stack.

package rival

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// aibrixSpread is how many requests the busiest server may have over the idlest, before prefixes are not looked at.
const aibrixSpread = 8

// AIBrix is its prefix-cache: the longest match among servers that have no more requests than the mean and one standard
// deviation. Where the spread is too large, or nothing is known, the fewest requests.
func AIBrix(o Options) balancer.Builder {
	return newBuilder(rule{name: "AIBrix prefix-cache", index: likeTheCache, choose: func(g *gateway, q *request) *server {
		all := g.loads(requests)
		if all.most-all.least > aibrixSpread {
			return fewest(g, q)
		}
		return g.least(func(s *server) float64 {
			if requests(s) > all.mean+all.deviation {
				return math.Inf(1)
			}
			const manyRequests = 1e6 // the load only decides among equal matches
			return -g.matched(s, q)/q.tokens + requests(s)/manyRequests
		})
	}}, o)
}

// ProductionStack is the rule proposed for vLLM's production-stack: the part of the prompt that is known, less how far the
// load is over the mean.
func ProductionStack(o Options) balancer.Builder {
	return newBuilder(rule{name: "production-stack, proposed", index: likeTheCache, choose: func(g *gateway, q *request) *server {
		mean := max(g.loads(requests).mean, 1)
		return g.least(func(s *server) float64 { return (requests(s)-mean)/mean - g.matched(s, q)/q.tokens })
	}}, o)
}
