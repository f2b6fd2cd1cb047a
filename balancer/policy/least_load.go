// The policy least_load: whichever has the least work in flight for its capacity.

package policy

import (
	"math/bits"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// LeastLoad returns the policy that gives each request to the endpoint with the least (n+½)/C.
// Here n is the number of requests in flight at its server, each until the end of its stream,
// and C its capacity. Of equal ones the endpoint of the largest capacity gets it. Equally
// large ones take turns, so that in an idle fleet not all goes to the first.
//
// By n/C slow endpoints that are idle would get requests that fast ones should have. By
// (n+1)/C fast ones would be too busy under load. The half is within 0.3 % of the better of
// the two at every load tried between 0.3 and 0.9, where capacities differ by 2 and by 4. A
// pick is O(1), a count O(log n).
func LeastLoad() balancer.Builder { return leastLoadBuilder{} }

type leastLoadBuilder struct{}

func (leastLoadBuilder) Name() string { return "least_load" }

func (leastLoadBuilder) Build(candidates []balancer.Candidate) balancer.Picker {
	n, ramps := len(candidates), newRamps(candidates, proportions(candidates))
	candidates = wholes(candidates)
	p := &leastLoadPicker{
		ramps:      ramps,
		candidates: candidates,
		capacity:   scaled(candidates),
		inFlight:   make([]int64, n),
		size:       make([]uint32, n),
		last:       make([]uint32, n),
		index:      indexOf(candidates),
		open:       newIndexHeap(n),
	}
	sizes := uint32(0)
	order := byCapacity(candidates)
	for k, i := range order {
		if k > 0 && candidates[i].Capacity != candidates[order[k-1]].Capacity {
			sizes++
		}
		p.size[i] = sizes
	}
	p.turnBits = 32 - bits.Len32(sizes)
	for i := range candidates {
		p.push(int32(i))
	}
	return p
}

// leastLoadPicker keeps the open candidates in a heap by load. Of equal loads the heap goes
// by size, largest first, and of equal sizes by whose last turn is the longest ago.
type leastLoadPicker struct {
	*ramps
	candidates []balancer.Candidate // with the whole of their capacities
	capacity   []float64            // by candidate, in parts of a power of two
	inFlight   []int64              // by candidate, as last told
	size       []uint32             // by candidate: how many capacities in the fleet are larger than its own
	last       []uint32             // by candidate: the turn in which it last got a request; 0 for never
	turn       uint32               // the last turn that was taken; it has turnBits at most
	turnBits   int                  // how many bits of a tie the sizes leave to turns
	index      map[*balancer.Endpoint]int32
	open       indexHeap // by load
	aside      []int32   // candidates that are kept from one pick; empty between picks
}

// load is the load that a request would find at a candidate: the requests there and half of
// itself, per capacity.
func load(inFlight int64, capacity float64) float64 { return (float64(inFlight) + 0.5) / capacity }

// Pick implements balancer.Picker. It changes nothing: Count will say what became of the request.
func (p *leastLoadPicker) Pick(r *balancer.Request) (int, bool) {
	picked, least := absent, absent // least: of those that have had their part
	for !p.open.empty() {
		i := p.open.least().id
		if r == nil || !slices.Contains(r.Exclude, p.candidates[i].Endpoint) {
			if p.allows(i) {
				picked = int(i)
				break
			}
			if least == absent {
				least = int(i)
			}
		}
		p.aside = append(p.aside, i)
		p.open.remove(i)
	}
	for _, i := range p.aside {
		p.push(i)
	}
	p.aside = p.aside[:0]
	if picked == absent {
		picked = least
	}
	return picked, picked != absent
}

// Open implements balancer.Picker.
func (p *leastLoadPicker) Open(i int, open bool) {
	if open {
		p.push(int32(i))
	} else {
		p.open.remove(int32(i))
	}
}

// Count implements balancer.Counter. A candidate that has more in flight than before has had
// its turn, whichever pool gave it the request.
func (p *leastLoadPicker) Count(i int, inFlight int64) {
	before := p.inFlight[i]
	if before == inFlight {
		return
	}
	p.inFlight[i] = inFlight
	if inFlight > before {
		p.last[i] = p.next()
	}
	if p.open.has(int32(i)) {
		p.open.replace(p.entry(int32(i)))
	}
}

// next returns a turn that is later than all before. Once the numbers are used up, after 2^18
// turns at least in a fleet of 10,000 different capacities, all begin anew.
func (p *leastLoadPicker) next() uint32 {
	if p.turn++; uint64(p.turn)>>p.turnBits != 0 {
		p.turn = 1
		clear(p.last)
		p.arrange()
	}
	return p.turn
}

// arrange puts all open candidates where they belong in the heap.
func (p *leastLoadPicker) arrange() {
	for i := range p.candidates {
		if p.open.has(int32(i)) {
			p.open.replace(p.entry(int32(i)))
		}
	}
}

// Inherit implements balancer.Picker. Turns go on where they were, and newcomers are the first
// to have one. What is in flight will be counted anew. It is taken over all the same, so that
// it does not look as if each candidate had got requests just now.
func (p *leastLoadPicker) Inherit(predecessor balancer.Picker) {
	before, ok := predecessor.(*leastLoadPicker)
	if ok {
		p.ramps.inherit(before.ramps)
	}
	if !ok || before.turn>>(p.turnBits-1) != 0 { // too late a turn for what more sizes leave
		return
	}
	p.turn = before.turn
	for i, c := range p.candidates {
		if j, stays := before.index[c.Endpoint]; stays {
			p.last[i], p.inFlight[i] = before.last[j], before.inFlight[j]
		}
	}
	p.arrange()
}

func (p *leastLoadPicker) push(i int32) { p.open.insert(p.entry(i)) }

func (p *leastLoadPicker) entry(i int32) heapEntry {
	return heapEntry{
		key: load(p.inFlight[i], p.capacity[i]),
		tie: uint32(uint64(p.size[i])<<p.turnBits) | p.last[i],
		id:  i,
	}
}
