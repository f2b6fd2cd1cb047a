package balancer

import (
	"math"
	"slices"
	"time"
)

// A request may be held back, which is to wait though a slot is free, for one of two
// reasons, so that the mean response time is less. A long one leaves the last free slot to
// short ones, of which most that come would have to wait for it. And any leaves a slow slot
// that would take far longer than to wait for a fast one. The figures are of bench/sim.

const (
	// A request of more than longWork times the mean predicted work is long. With 4 it costs
	// some 1 % of the mean response time where work is exponential (1.8 % are long), and
	// gains 14 % where it is hyperexponential with cv² = 10.
	longWork = 4
	// Those that were predicted to be long must have taken longProof times the usual, over
	// the last longHorizon of them, longKnown at least: else a prediction says nothing, and
	// a slot would be kept free for nothing.
	longProof, longHorizon, longKnown = 2, 50, 10
	// mostHeldBack is how many long requests may wait beside a free slot. With more, under a
	// load that needs every slot, too much of one would lie idle.
	mostHeldBack = 2
	// Of fewer slots the last one is not kept: it is too much of what there is.
	fewestSlots = 3
	// The mean is taken over usualHorizon requests, and known from usualKnown on.
	usualHorizon, usualKnown = 200, 20

	// A slot is slow where a request would be done muchFaster times as soon elsewhere, the
	// wait included. With 3 the mean response time of endpoints 1 : 1 : 2 : 4 : 8 is 3 to 7 %
	// less at first come, first served, and 9 to 17 % with the shortest first, over loads of
	// 0.4 to 0.92. Of six fleets the worst is 3 % more, and 6 % for eight slots at 0.92.
	muchFaster = 3
	// A request waits for so much of the time that it would gain, in vain at worst: then it
	// has lost no more than that.
	patience = 0.5
	// Of more endpoints than these none is compared with the others: that would cost too
	// much, and the slow slots of so many are a small part.
	mostCompared = 64
)

// arrive takes in a request that comes for the first time.
func (q *queue) arrive(r *Request) {
	if work := r.work(); q.options.Order.BySize() && work > 0 && !math.IsInf(work, 1) && r.place.number == 0 {
		q.usual.learn(work, usualHorizon)
	}
}

// size returns a request's predicted work in units of the usual one; 1 where that is not known.
func (q *queue) size(r *Request) float64 {
	if work := r.work(); q.options.Order.BySize() && work > 0 && q.usual.seen >= usualKnown {
		return work / q.usual.value
	}
	return 1
}

// trusted returns the size where predictions have proved to say something; else 1.
func (q *queue) trusted(size float64) float64 {
	if q.longOnes.seen >= longKnown && q.longOnes.value >= math.Log(longProof) {
		return size
	}
	return 1
}

// keepsOut reports whether a request that comes has to go to the queue though a slot is
// free that it might have: it waits, or who was held back before goes first.
func (q *queue) keepsOut(r *Request, s *seats) bool {
	if s == nil || s.open == 0 || q.length >= q.options.MaxRequests {
		return false
	}
	size := q.trusted(q.size(r))
	if size > longWork {
		if last := s.last(); last != unseated && !r.excludes(s.endpoints[last]) {
			return true
		}
	}
	if s.patience(r, size, 0) == 0 {
		return false
	}
	q.age()
	return s.patience(r, size, q.ahead(r)) > 0
}

// ahead returns how many wait that a request which comes will not overtake.
func (q *queue) ahead(r *Request) (n int) {
	if !q.options.Order.BySize() {
		return q.length
	}
	for _, w := range q.line {
		if w.key <= r.work() {
			n++
		}
	}
	return n
}

// holdsBack reports whether one who waits goes on doing so, though a slot is free, while
// as many before it do.
func (q *queue) holdsBack(w *Waiter, s *seats, ahead int) bool {
	if w.long && q.mayHoldBack() && s.last() != unseated {
		return true
	}
	waited := q.now() - w.arrived
	return waited < min(w.patience, q.options.MaxWait/2) && waited < s.patience(w.request, q.trusted(w.size), ahead)
}

// mayHoldBack reports whether long ones may wait though a slot is free.
func (q *queue) mayHoldBack() bool { return q.options.Order.BySize() && q.length <= mostHeldBack }

// turnAway asks the picker about a request that is held back, as if nothing were free.
func (s *seats) turnAway(r *Request) {
	for i, closed := range s.closed {
		if !closed {
			s.setClosed(i, true)
			s.turned = append(s.turned, i)
		}
	}
	defer func() {
		for _, i := range s.turned {
			s.setClosed(i, false)
		}
		s.turned = s.turned[:0]
	}()
	s.picker.Pick(r)
}

// last returns the seat that has the last free slot of all, of enough; or unseated. Where
// connections fail there is none: what is closed for that may stay so.
func (s *seats) last() int {
	if s == nil || s.open != 1 || s.out > 0 || s.total < fewestSlots {
		return unseated
	}
	i := slices.Index(s.closed, false)
	if s.limit(i)-s.endpoints[i].load.InFlight() != 1 {
		return unseated
	}
	return i
}

// patience returns for how long a request had better wait for a faster slot than any that
// is free, with so many ahead of it; 0 where one that is free will do. Those that are full
// release their slots at slots/pace together.
func (s *seats) patience(r *Request, size float64, ahead int) time.Duration {
	if s.slots == nil || s.open == len(s.endpoints) || len(s.endpoints) > mostCompared {
		return 0
	}
	here, there, released := math.Inf(1), math.Inf(1), 0.0
	for i, e := range s.endpoints {
		if !s.closed[i] && !r.excludes(e) {
			here = min(here, e.pace.get())
		}
	}
	for i, e := range s.endpoints {
		if usual := e.pace.get(); s.closed[i] && usual > 0 && usual < here && !s.barred(i) && !r.excludes(e) {
			there = min(there, usual)
			released += float64(s.slots[i]) / usual
		}
	}
	wait := float64(ahead+1) / released
	if math.IsInf(here, 1) || !(muchFaster*(wait+size*there) < size*here) {
		return 0
	}
	return time.Duration(patience * size * (here - there) * float64(time.Second))
}

// mostPatience returns for how long a request of this size can be held back at most for
// the sake of a faster slot.
func (s *seats) mostPatience(size float64) time.Duration {
	if s == nil || s.slots == nil || len(s.endpoints) > mostCompared {
		return 0
	}
	fastest, slowest := math.Inf(1), 0.0
	for _, e := range s.endpoints {
		if usual := e.pace.get(); usual > 0 {
			fastest, slowest = min(fastest, usual), max(slowest, usual)
		}
	}
	if slowest <= fastest {
		return 0
	}
	return time.Duration(patience * size * (slowest - fastest) * float64(time.Second))
}
