package policy

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
)

const (
	// rebaseAfter is how many turns pass between two rebases: few enough that the keys,
	// which grow with the turns, are exact to 2^-32 of a turn, and enough that the O(n)
	// work of a rebase does not show.
	rebaseAfter = 1 << 20
	// widest is how many turns a request, or requests a turn, may become as candidates
	// close and open before the shares are scaled to those that are open.
	widest = 1 << 16
)

// schedule is a picker that hands out turns in exact proportion to given parts. While all
// are open each request is one turn. The k-th request (from 0) of a candidate of share s
// is released at k/s and due at (k+1)/s. Of those released before the end of the current
// turn the one due first is placed: with shares that sum to 1 there always is one, and
// none is placed late. Where those that are open have S of all shares, a request is 1/S
// turns, which is the same among them.
//
// Requests had and turns are whole numbers until a candidate closes, and a rebase
// subtracts whole turns in one rounding. What is left is the rounding of the shares
// themselves, 2^-53 of each: after 10^9 requests a ten-millionth of one.
type schedule struct {
	candidates  []balancer.Candidate
	index       map[*balancer.Endpoint]int32
	accounts    []account // by candidate
	open        sumTree   // the parts of the open ones
	whole       float64   // sum of open at the last rebase that had any: shares are parts of it
	step        float64   // turns that a request takes
	turn        float64   // such that what the open ones had beyond their shares sums to 0
	requests    float64   // whole, since the schedule was made
	ready       indexHeap // released, by due time
	waiting     indexHeap // not yet released, by release time
	aside       []int32   // candidates kept out of one pick; empty between picks
	inherited   bool      // some accounts may be inherited
	rebaseAfter float64
}

// account is what one candidate was given and is owed.
type account struct {
	part  float64 // of the requests, while all are open
	share float64 // of a turn: the part of whole
	gap   float64 // turns between two of its requests, 1/share
	ahead float64 // requests it had beyond its share at turn 0 of this base, or when it closed; negative when it is owed
	had   float64 // whole requests since
	// closed says that it is in neither heap: all its slots are in use.
	closed   bool
	closedAt float64 // requests of the schedule until then
	// inherited says that it is closed only because it was so in the predecessor.
	inherited bool
}

func (a *account) released() float64 { return (a.ahead + a.had) * a.gap }
func (a *account) due() float64      { return (a.ahead + a.had + 1) * a.gap }

// aheadAt returns the requests it had beyond its share up to the turn.
func (a *account) aheadAt(turn float64) float64 { return math.FMA(-a.share, turn, a.had) + a.ahead }

// newSchedule returns a schedule at turn zero with all candidates open.
func newSchedule(candidates []balancer.Candidate, parts []float64) *schedule {
	n := len(candidates)
	p := &schedule{
		candidates:  candidates,
		index:       indexOf(candidates),
		accounts:    make([]account, n),
		open:        newSumTree(parts),
		ready:       newIndexHeap(n),
		waiting:     newIndexHeap(n),
		rebaseAfter: rebaseAfter,
	}
	for i, part := range parts {
		p.accounts[i].part = part
	}
	p.rebase()
	return p
}

// aim changes the parts, between two requests. Every candidate keeps what it had beyond
// its share or is owed, in requests.
func (p *schedule) aim(parts []float64) {
	for i := range p.accounts {
		a := &p.accounts[i]
		if a.part = parts[i]; !a.closed {
			p.open.put(int32(i), a.part)
		}
	}
	p.open.add()
	p.rebase()
}

// Pick implements balancer.Picker.
func (p *schedule) Pick(r *balancer.Request) (int, bool) {
	if p.inherited {
		p.admitInherited()
	}
	if math.Abs(p.turn) >= p.rebaseAfter {
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

// take gives the current turn to whom it belongs.
func (p *schedule) take() int32 {
	end := p.turn + p.step
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
	p.requests++
	switch {
	case a.released() >= end+p.step: // not in the next turn either
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
func (p *schedule) takeExcept(excluded []*balancer.Endpoint) (int, bool) {
	for _, e := range excluded {
		if id, ok := p.index[e]; ok && p.withdraw(id) {
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
func (p *schedule) forgive(id int32) {
	a := &p.accounts[id]
	owed := -a.aheadAt(p.turn) - 1
	if owed <= 0 {
		return
	}
	each := 1 - a.share*p.step // what one of them makes up for
	requests := math.Ceil(min(owed/each, p.rebaseAfter))
	a.had += requests
	p.turn += requests * p.step
}

// withdraw takes a candidate out of the heap it is in, if it is in one.
func (p *schedule) withdraw(id int32) bool {
	switch {
	case p.ready.has(id):
		p.ready.remove(id)
	case p.waiting.has(id):
		p.waiting.remove(id)
	default:
		return false
	}
	return true
}

// place puts a candidate that is in neither heap where it belongs.
func (p *schedule) place(id int32) {
	if a := &p.accounts[id]; a.released() < p.turn+p.step {
		p.ready.push(id, a.due())
	} else {
		p.waiting.push(id, a.released())
	}
}

// rebase makes the current turn turn zero, and one request one turn.
func (p *schedule) rebase() {
	if sum := p.open.sum(); sum > 0 {
		p.whole = sum
	}
	for i := range p.accounts {
		a := &p.accounts[i]
		if !a.closed {
			a.ahead, a.had = a.aheadAt(p.turn), 0
		}
		a.share, a.gap = a.part/p.whole, p.whole/a.part
	}
	p.turn, p.step = 0, 1
	p.arrange()
}

// arrange fills the heaps at turn zero of a base.
func (p *schedule) arrange() {
	settle(p.accounts)
	p.ready.clear()
	p.waiting.clear()
	for id := range p.accounts {
		if !p.accounts[id].closed {
			p.place(int32(id))
		}
	}
}
