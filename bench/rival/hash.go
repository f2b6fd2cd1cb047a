// Rules that hash, with a bound on how loaded the chosen server may be.

package rival

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// bound is how many times its part of the requests a server may have before the next in order gets them.
const bound = 1.25

// BoundedHash is consistent hashing with bounded loads, as KubeAI has it: by the first two blocks of the prompt, and a
// server's part goes by its capacity.
func BoundedHash(o Options) balancer.Builder {
	return newBuilder(rule{name: "prefix hash, bound 1.25 (KubeAI)", choose: func(g *gateway, q *request) *server {
		return g.hashed(g.start(q, 2), func(s *server) float64 { return s.capacity })
	}}, o)
}

// SessionHash is the same by session.
func SessionHash(o Options) balancer.Builder {
	return newBuilder(rule{name: "session hash, bound 1.25", choose: func(g *gateway, q *request) *server {
		key := q.session
		if key == 0 {
			key = g.chance.Uint64()
		}
		return g.hashed(key, func(s *server) float64 { return s.capacity })
	}}, o)
}

// PrefixHash is that of SMG: by the first 256 tokens, which are within the first block here, and without weights.
func PrefixHash(o Options) balancer.Builder {
	return newBuilder(rule{name: "SMG prefix_hash", choose: func(g *gateway, q *request) *server {
		return g.hashed(g.start(q, 1), func(*server) float64 { return 1 })
	}}, o)
}

// start is a key for the first blocks of a prompt. One that has fewer is like no other.
func (g *gateway) start(q *request, blocks int) uint64 {
	if len(q.blocks) < blocks {
		return g.chance.Uint64()
	}
	return q.blocks[blocks-1] // the chain holds those before it
}

// hashed is the first server, in the order that the key gives them, that is not over its bound: of one more request than
// there are, bound times its part by weight. One always is not.
func (g *gateway) hashed(key uint64, weight func(*server) float64) *server {
	all := g.loads(requests)
	weights := g.loads(weight)
	return g.least(func(s *server) float64 {
		if float64(s.inFlight+1) > math.Ceil(bound*(all.sum+1)*weight(s)/weights.sum) {
			return math.Inf(1)
		}
		// Rendezvous hashing by weight: the least of exponentials of these rates.
		x := float64(mix(key^mix(g.options.Seed+uint64(s.engine)+1))>>11) / (1 << 53)
		return -math.Log1p(-x) / weight(s)
	})
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
