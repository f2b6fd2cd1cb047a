package policy

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// CapacityOptions tune the policy capacity.
type CapacityOptions struct {
	// Start, when it is not nil, is asked once for each picker without a predecessor for
	// the turn it starts at, as if that many requests had been shared before. With random
	// answers (rand.Uint64) replicas that see the same traffic do not march in step; the
	// bound from the start is then 2 instead of 1.
	Start func() uint64
}

// Capacity returns the policy that shares requests in exact proportion to capacity, as
// Tijdeman's chairman assignment does (Discrete Mathematics 32, 1980). Of N requests since
// turn zero an endpoint of capacity C has had N·C/ΣC, give or take less than 1; in any
// window of N give or take less than 2. Picks are O(log n) on average; a pick at which k
// endpoints come due together, as equal ones do once each n turns, is O(k log n).
func Capacity(o CapacityOptions) balancer.Builder {
	return &capacityBuilder{start: o.Start}
}

type capacityBuilder struct {
	start func() uint64 // nil: turn zero
}

func (b *capacityBuilder) Name() string {
	if b.start != nil {
		return "capacity, random start"
	}
	return "capacity"
}

func (b *capacityBuilder) Build(candidates []balancer.Candidate) balancer.Picker {
	p := &capacityPicker{
		candidates:  candidates,
		accounts:    make([]account, len(candidates)),
		index:       indexOf(candidates),
		ready:       newIndexHeap(len(candidates)),
		waiting:     newIndexHeap(len(candidates)),
		rebaseAfter: rebaseAfter,
	}
	for i, share := range proportions(candidates) {
		p.accounts[i].share, p.accounts[i].gap = share, 1/share
	}
	if b.start != nil {
		startAt(p.accounts, float64(b.start()%rebaseAfter))
	}
	p.arrange()
	return p
}

// rebaseAfter is how many turns pass between two rebases: few enough that the keys, which
// grow with the turns, are exact to 2^-32 of a turn, and enough that the O(n) work of a
// rebase does not show.
const rebaseAfter = 1 << 20

// capacityPicker hands out turns; each request is one turn. The k-th request (from 0) of
// an endpoint of share s is released at k/s and due at (k+1)/s. Of those released before
// the end of the current turn the one due first is placed: with shares that sum to 1
// there always is one, and none is placed late.
//
// Nothing here is accumulated in floating point: a key is computed from a whole number of
// requests, and a rebase subtracts whole turns in one rounding. What is left is the
// rounding of the shares themselves, 2^-53 of each: after 10^9 requests a ten-millionth
// of one.
type capacityPicker struct {
	candidates  []balancer.Candidate
	accounts    []account // by candidate
	index       map[*balancer.Endpoint]int32
	turn        float64   // whole turns since the last rebase
	ready       indexHeap // released, by due time
	waiting     indexHeap // not yet released, by release time
	aside       []int32   // candidates kept out of one pick; empty between picks
	rebaseAfter float64
}

// account is what one candidate was given and is owed.
type account struct {
	share float64 // C/ΣC
	gap   float64 // turns between two of its requests, 1/share
	ahead float64 // at turn 0 of this base: requests it had beyond its share; negative when it is owed
	had   float64 // whole requests since
	// closed says that it is in neither heap: all its slots are in use.
	closed bool
}

func (a *account) released() float64 { return (a.ahead + a.had) * a.gap }
func (a *account) due() float64      { return (a.ahead + a.had + 1) * a.gap }

// aheadAt returns the requests it had beyond its share up to the turn.
func (a *account) aheadAt(turn float64) float64 { return math.FMA(-a.share, turn, a.had) + a.ahead }

// Pick implements balancer.Picker.
func (p *capacityPicker) Pick(r *balancer.Request) (int, bool) {
	if p.turn >= p.rebaseAfter {
		p.rebase()
	}
	if r != nil && len(r.Exclude) > 0 {
		return p.takeExcept(r.Exclude)
	}
	if p.ready.empty() && p.waiting.empty() {
		return absent, false
	}
	return int(p.take()), true
}

// Open implements balancer.Picker. A closed candidate is in neither heap: the others
// take its turns, and when it opens again it is owed no more than one request.
func (p *capacityPicker) Open(i int, open bool) {
	id := int32(i)
	p.accounts[id].closed = !open
	switch {
	case open:
		p.forgive(id)
		p.place(id)
	case p.ready.has(id):
		p.ready.remove(id)
	default:
		p.waiting.remove(id)
	}
}

// take gives the current turn to whom it belongs.
func (p *capacityPicker) take() int32 {
	end := p.turn + 1
	for !p.waiting.empty() && p.waiting.least().key < end {
		id := p.waiting.least().id
		p.waiting.remove(id)
		p.ready.push(id, p.accounts[id].due())
	}
	from := &p.ready
	if from.empty() { // by rounding, or because the ready ones are kept out
		from = &p.waiting
	}
	id := from.least().id
	a := &p.accounts[id]
	a.had++
	p.turn = end
	switch {
	case a.released() >= end+1: // not in the next turn either
		from.remove(id)
		p.waiting.push(id, a.released())
	case from == &p.ready:
		from.raise(a.due())
	default:
		from.remove(id)
		p.ready.push(id, a.due())
	}
	return id
}

// takeExcept gives the current turn to whom it would belong without the excluded ones.
// Theirs comes later, but what they cannot be given does not pile up: see forgive.
func (p *capacityPicker) takeExcept(excluded []*balancer.Endpoint) (int, bool) {
	for _, e := range excluded {
		id, ok := p.index[e]
		switch {
		case !ok:
		case p.ready.has(id):
			p.ready.remove(id)
			p.aside = append(p.aside, id)
		case p.waiting.has(id):
			p.waiting.remove(id)
			p.aside = append(p.aside, id)
		}
	}
	picked, ok := int32(absent), !p.ready.empty() || !p.waiting.empty()
	if ok {
		picked = p.take()
		for _, id := range p.aside {
			p.forgive(id)
		}
	}
	for _, id := range p.aside {
		p.place(id)
	}
	p.aside = p.aside[:0]
	return int(picked), ok
}

// forgive keeps an excluded candidate from being owed more than one request. An endpoint
// whose every request is repeated elsewhere cannot get its share; owed in full, it would
// come back to a burst. So it is charged for turns that nobody served, which leaves the
// shares of the others among themselves exact.
func (p *capacityPicker) forgive(id int32) {
	a := &p.accounts[id]
	owed := -a.aheadAt(p.turn) - 1
	if owed <= 0 {
		return
	}
	turns := math.Ceil(min(owed/(1-a.share), p.rebaseAfter)) // each makes up for 1-share of a request
	a.had += turns
	p.turn += turns
}

// place puts a candidate that is in neither heap where it belongs.
func (p *capacityPicker) place(id int32) {
	if a := &p.accounts[id]; a.released() < p.turn+1 {
		p.ready.push(id, a.due())
	} else {
		p.waiting.push(id, a.released())
	}
}

// rebase makes the current turn turn zero.
func (p *capacityPicker) rebase() {
	for i := range p.accounts {
		a := &p.accounts[i]
		a.ahead, a.had = a.aheadAt(p.turn), 0
	}
	p.turn = 0
	p.arrange()
}

// Inherit implements balancer.Picker: candidates that stay keep what they had beyond their
// share or are owed, in requests, so that a change between any two requests loses nothing.
func (p *capacityPicker) Inherit(predecessor balancer.Picker) {
	before, ok := predecessor.(*capacityPicker)
	if !ok {
		return
	}
	for i, c := range p.candidates {
		p.accounts[i].ahead = 0 // a newcomer is owed nothing
		if j, stays := before.index[c.Endpoint]; stays {
			p.accounts[i].ahead = before.accounts[j].aheadAt(before.turn)
		}
	}
	p.arrange()
}

// arrange fills the heaps at turn zero of a base.
func (p *capacityPicker) arrange() {
	settle(p.accounts)
	p.ready.clear()
	p.waiting.clear()
	for id := range p.accounts {
		if !p.accounts[id].closed {
			p.place(int32(id))
		}
	}
}
