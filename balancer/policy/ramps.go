// How much a candidate gets while its capacity grows to the whole, where a policy goes by load.

package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// ramps holds candidates that are on their way back to their part of all requests. A policy that goes by load cannot do that by
// their capacity alone: what is taken for slow gets nothing while the others have little to do, and much at once when it
// passes for a little faster. So the policy takes them for as fast as they are, and here is what they get at most.
//
// Of each request that is given anybody, a candidate is due its part. It may have one while anything is due to it, and
// no more than one is kept for it. A nil *ramps bounds nobody.
type ramps struct {
	index map[*balancer.Endpoint]int32
	part  []float64 // by candidate, of all requests; 0: it has the whole of its capacity
	due   []float64 // by candidate, requests, when as many as in seen were given; below 1
	seen  []float64
	given float64 // requests, to all
}

// newRamps returns nil where nobody's capacity grows. The parts are those of the capacities in force.
func newRamps(candidates []balancer.Candidate, parts []float64) *ramps {
	var r *ramps
	for i := range candidates {
		if ramp(&candidates[i]) == 1 {
			continue
		}
		if r == nil {
			n := len(candidates)
			r = &ramps{index: indexOf(candidates), part: make([]float64, n), due: make([]float64, n), seen: make([]float64, n)}
		}
		r.part[i] = parts[i]
	}
	return r
}

// ramp is the part of the whole capacity that is in force.
func ramp(c *balancer.Candidate) float64 {
	if c.Whole == 0 {
		return 1
	}
	return c.Capacity / c.Whole
}

// wholes are the candidates with the whole of their capacities in force.
func wholes(candidates []balancer.Candidate) []balancer.Candidate {
	list := make([]balancer.Candidate, len(candidates))
	for i, c := range candidates {
		if c.Whole > 0 {
			c.Capacity, c.Whole = c.Whole, 0
		}
		list[i] = c
	}
	return list
}

// allows reports whether the candidate may have the next request.
func (r *ramps) allows(i int32) bool { return r == nil || r.part[i] == 0 || r.owed(i) > 0 }

// owed brings up to date what is due to a candidate, and returns it.
func (r *ramps) owed(i int32) float64 {
	r.due[i] = min(r.due[i]+r.part[i]*(r.given-r.seen[i]), 1)
	r.seen[i] = r.given
	return r.due[i]
}

// Took implements balancer.Taker.
func (r *ramps) Took(i int) {
	if r == nil {
		return
	}
	r.given++
	if r.part[i] > 0 {
		r.due[i] = max(r.owed(int32(i))-1, -1)
	}
}

// inherit takes over what is due to those who stay.
func (r *ramps) inherit(before *ramps) {
	if r == nil || before == nil {
		return
	}
	for e, i := range r.index {
		if j, stays := before.index[e]; stays && r.part[i] > 0 && before.part[j] > 0 {
			r.due[i] = before.owed(j)
		}
	}
}
