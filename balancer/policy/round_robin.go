// The policy round_robin: each endpoint in turn, whatever its capacity.

package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// RoundRobin returns the policy that gives each endpoint a request in turn, whatever its
// capacity. The next is the one whose last request is the longest ago; at first they go in
// configured order. An endpoint that was closed or excluded when its turn came gets the next
// turn that it can have, and no more than that. One that is on its way back passes some of its turns
// on, as many as it has to grow. A pick is O(log n).
func RoundRobin() balancer.Builder { return roundRobinBuilder{} }

type roundRobinBuilder struct{}

func (roundRobinBuilder) Name() string { return "round_robin" }

func (roundRobinBuilder) Build(candidates []balancer.Candidate) balancer.Picker {
	p := &roundRobinPicker{
		ramps:      newRamps(candidates, evenParts(candidates)),
		candidates: candidates,
		index:      indexOf(candidates),
		last:       make([]float64, len(candidates)),
		open:       newIndexHeap(len(candidates)),
	}
	for i := range candidates {
		p.open.push(int32(i), 0)
	}
	return p
}

// evenParts is the part of all requests that each candidate gets: the same, but for what it has to grow.
func evenParts(candidates []balancer.Candidate) []float64 {
	parts, sum := make([]float64, len(candidates)), 0.0
	for i := range candidates {
		parts[i] = ramp(&candidates[i])
		sum += parts[i]
	}
	for i := range parts {
		parts[i] /= sum
	}
	return parts
}

type roundRobinPicker struct {
	*ramps
	candidates []balancer.Candidate
	index      map[*balancer.Endpoint]int32
	turn       float64   // whole turns taken; exact up to 2^53
	last       []float64 // by candidate: the last turn that it had
	open       indexHeap // by last turn
	aside      []int32   // candidates that are kept from one pick; empty between picks
}

// Pick implements balancer.Picker.
func (p *roundRobinPicker) Pick(r *balancer.Request) (int, bool) {
	if r != nil {
		for _, e := range r.Exclude {
			if i, ok := p.index[e]; ok && p.open.has(i) {
				p.open.remove(i)
				p.aside = append(p.aside, i)
			}
		}
	}
	picked, first := absent, absent // first: of those that have had their part
	for !p.open.empty() {
		i := p.open.least().id
		if p.allows(i) {
			picked = int(i)
			break
		}
		if first == absent {
			first = int(i)
		}
		p.open.remove(i)
		p.aside = append(p.aside, i)
	}
	if picked == absent {
		picked = first
	}
	if picked != absent {
		p.turn++
		p.last[picked] = p.turn
		if p.open.has(int32(picked)) {
			p.open.raise(p.turn)
		}
	}
	for _, i := range p.aside {
		p.open.push(i, p.last[i])
	}
	p.aside = p.aside[:0]
	return picked, picked != absent
}

// Open implements balancer.Picker.
func (p *roundRobinPicker) Open(i int, open bool) {
	if open {
		p.open.push(int32(i), p.last[i])
	} else {
		p.open.remove(int32(i))
	}
}

// Inherit implements balancer.Picker. Turns go on where they were, and newcomers have theirs
// after all others.
func (p *roundRobinPicker) Inherit(predecessor balancer.Picker) {
	before, ok := predecessor.(*roundRobinPicker)
	if !ok {
		return
	}
	p.ramps.inherit(before.ramps)
	p.turn = before.turn
	for i, c := range p.candidates {
		p.last[i] = p.turn
		if j, stays := before.index[c.Endpoint]; stays {
			p.last[i] = before.last[j]
		}
		p.open.change(int32(i), p.last[i])
	}
}
