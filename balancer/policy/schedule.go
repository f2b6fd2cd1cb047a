// Turns handed out in exact proportion to given parts.

package policy

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
)

const (
	// rebaseAfter is how many turns pass between two rebases. They are few enough that the
	// keys, which grow with the turns, are exact to 2^-32 of a turn; and enough that the O(n)
	// work of a rebase does not show.
	rebaseAfter = 1 << 20
	// widest bounds how many turns a request may take, and how many requests a turn, as
	// candidates close and open. Beyond it the shares are scaled to those that are open.
	widest = 1 << 16
)

// schedule is a picker that hands out turns in exact proportion to given parts. While all
// candidates are open each request is one turn. The k-th request, from 0, of a candidate of
// share s is released at turn k/s, and due at (k+1)/s. Of the requests that are released
// before the end of the current turn, the one that is due first is served: with shares that
// sum to 1 there always is one, and none is served late. Where those that are open have a
// part S of all shares, a request takes 1/S turns; among them that comes to the same.
//
// Until a candidate closes, requests and turns are whole numbers, and a rebase subtracts whole
// turns with one rounding. So only the shares themselves are rounded, to 2^-53: after 10^9
// requests that is a ten-millionth of one.
type schedule struct {
	candidates  []balancer.Candidate
	index       map[*balancer.Endpoint]int32
	accounts    []account // by candidate
	open        sumTree   // the parts of the open ones
	whole       float64   // sum of open at the last rebase that had any: shares are parts of it
	step        float64   // turns that a request takes
	turn        float64   // the current one: at it, what the open ones had beyond their shares sums to 0
	requests    float64   // since the schedule was made; a whole number
	ready       indexHeap // released, by due time
	waiting     indexHeap // not yet released, by release time
	aside       []int32   // candidates that are kept from one pick; empty between picks
	inherited   bool      // some accounts may have inherited set
	rebaseAfter float64
}

// account is what one candidate was given and is owed.
type account struct {
	part  float64 // of the requests, while all are open
	share float64 // of a turn: the part of whole
	gap   float64 // turns between two of its requests, 1/share
	ahead float64 // requests it had beyond its share at turn 0 of this base, or when it closed; below 0 it is owed some
	had   float64 // requests since then; a whole number
	// closed says that it is in neither heap: all its slots are in use.
	closed   bool
	closedAt float64 // requests of the schedule when it closed
	// inherited says that it was closed in the predecessor, and that nobody has said yet
	// whether it still is.
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

// aim changes the parts between two requests. Every candidate keeps what it had beyond its
// share, or is owed, as a number of requests.
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

// take gives the current turn to the candidate that it belongs to.
func (p *schedule) take() int32 {
	end := p.turn + p.step
	for !p.waiting.empty() && p.waiting.least().key < end {
		id := p.waiting.least().id
		p.waiting.remove(id)
		p.ready.push(id, p.accounts[id].due())
	}
	from := &p.ready
	if from.empty() { // because of rounding, or since those that are ready are kept from this pick
		from = &p.waiting
	}
	id := from.least().id
	a := &p.accounts[id]
	a.had++
	p.turn = end
	p.requests++
	switch {
	case a.released() >= end+p.step: // it has not the next turn either
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

// takeExcept gives the current turn to the candidate that it would belong to if there were no
// excluded ones. Those get theirs later, but not without bound: see forgive.
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
		p.enroll(id)
	}
	p.aside = p.aside[:0]
	return int(picked), ok
}

// forgive lets an excluded candidate be owed no more than one request. An endpoint whose every
// request is repeated elsewhere cannot get its share. If it were owed all of that, it would
// get a burst once it is back. So it is charged for turns that nobody served, by which the
// shares of the others, among themselves, stay exact.
func (p *schedule) forgive(id int32) {
	a := &p.accounts[id]
	owed := -a.aheadAt(p.turn) - 1
	if owed <= 0 {
		return
	}
	each := 1 - a.share*p.step // by so much one request lessens what it is owed
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

// enroll puts a candidate that is in neither heap into the one where it belongs.
func (p *schedule) enroll(id int32) {
	if a := &p.accounts[id]; a.released() < p.turn+p.step {
		p.ready.push(id, a.due())
	} else {
		p.waiting.push(id, a.released())
	}
}

// rebase makes the current turn number zero, and lets one request take one turn.
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

// arrange fills the heaps. It is called at turn zero.
func (p *schedule) arrange() {
	balance(p.accounts)
	p.ready.clear()
	p.waiting.clear()
	for id := range p.accounts {
		if !p.accounts[id].closed {
			p.enroll(int32(id))
		}
	}
}
