// The rule of SMG that is called cache_aware.

package rival

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// The settings of cache_aware that SMG comes with.
const (
	smgMatch    = 0.5 // the part of a prompt that must be known somewhere, for the request to go there
	smgRelative = 1.1 // times the mean load: beyond this and the next, affinity is given up
	smgAbsolute = 32  // requests over the mean load
)

// CacheAware is SMG's default: a prompt of which more than half went to a server before goes there again, unless that has
// far more requests than the mean. All others go to the server with the fewest. Servers have no weights.
func CacheAware(o Options) balancer.Builder {
	return newBuilder(rule{name: "SMG cache_aware", index: endless, choose: func(g *gateway, q *request) *server {
		mean := g.loads(requests).mean
		best := 0.0
		for _, s := range g.servers {
			if s.open {
				best = max(best, g.matched(s, q))
			}
		}
		if best > smgMatch*q.tokens {
			holder := g.least(func(s *server) float64 {
				if g.matched(s, q) < best {
					return math.Inf(1)
				}
				return requests(s)
			})
			if n := requests(holder); !(n > smgRelative*mean && n > mean+smgAbsolute) {
				return holder
			}
		}
		return fewest(g, q)
	}}, o)
}
