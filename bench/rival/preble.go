// Preble's E2: exploitation and exploration.

package rival

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// prebleAnswer is what an answer counts beside the prompt tokens that are read for it: 200 tokens, each about ten times
// one of a prompt in a batch of usual size.
const prebleAnswer = 2000.0

// Preble goes where the prompt is cached if that is more than the rest, and else where the least work is. Its source counts
// what was sent in the last three minutes, as its servers are all alike; here it is what was sent and has not ended,
// since a sum over time overloads slow servers without end.
func Preble(o Options) balancer.Builder {
	return newBuilder(rule{name: "Preble E2", index: likeTheCache, choose: func(g *gateway, q *request) *server {
		best := 0.0
		for _, s := range g.servers {
			if s.open {
				best = max(best, g.matched(s, q))
			}
		}
		exploit := best > q.tokens-best
		return g.least(func(s *server) float64 {
			if exploit && g.matched(s, q) < best {
				return math.Inf(1)
			}
			return s.uncached + prebleAnswer*requests(s) + q.tokens - g.matched(s, q)
		})
	}}, o)
}
