package balancer

import (
	"math"
	"slices"
	"time"
)

// A request may be held back, that is, made to wait though a slot is free, for one of two
// reasons, both so that the mean response time is less. A long one leaves the last free slot to
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
	// The mean is taken over usualHorizon requests, and known from usualKnown on. Then one
	// counts for mostUsual times the mean at most, whatever a client says of it.
	usualHorizon, usualKnown, mostUsual = 200, 20, 100

	// A slot is slow where a request would be done muchFaster times as soon elsewhere, the
	// wait included. With 3 the mean response time of endpoints 1 : 1 : 2 : 4 : 8 is 3 to 7 %
	// less at first come, first served, and 9 to 17 % with the shortest first, over loads of
	// 0.4 to 0.92. In six fleets it is nowhere more than 2 % more, but 4 % with eight slots at 0.92.
	muchFaster = 3
	// A request waits for so much of the time that it would gain, in vain at worst: then it
	// has lost no more than that.
	stake = 0.5
	// With as many ahead of it a request takes a slow slot: all who are held back are looked
	// at whenever a slot comes free.
	mostPatient = 16
	// maxPatience is in seconds, and longer than anybody waits.
	maxPatience = 1e9
	// Of more endpoints than these none is compared with the others: that would cost too
	// much, and the slow slots of so many are a small part.
	mostCompared = 64
)

// arrive takes in a request that comes for the first time.
func (q *queue) arrive(r *Request) {
	work := r.work()
	if !q.options.Order.BySize() || !(work > 0) || math.IsInf(work, 1) || r.place.number != 0 {
		return
	}
	if q.usual.seen >= usualKnown {
		work = min(work, mostUsual*q.usual.value)
	}
	q.usual.learn(work, usualHorizon)
}

// size returns a request's predicted work in units of the usual one; 1 where that is not known.
func (q *queue) size(r *Request) float64 {
	if work := r.work(); q.options.Order.BySize() && work > 0 && !math.IsInf(work, 1) && q.usual.seen >= usualKnown {
		return min(work/q.usual.value, math.MaxFloat64)
	}
	return 1
}

// measured returns the size of a request that is to be measured; 0 where nothing is.
func (q *queue) measured(r *Request, s *seats) float64 {
	if s.slots == nil || q.options.MaxRequests == 0 {
		return 0
	}
	return q.size(r)
}

// trusts reports whether predictions have proved to say something.
func (q *queue) trusts() bool {
	return q.longOnes.seen >= longKnown && q.longOnes.value >= math.Log(longProof)
}

// isLong reports whether a request of this size leaves the last free slot to others.
func (q *queue) isLong(size float64) bool { return size > longWork && q.trusts() }

// keepsOut reports whether a request that comes has to go to the queue though a slot is
// free that it might have: it waits, or who was held back before goes first. Where one is to
// try a slow slot, all others are closed until reopen.
func (q *queue) keepsOut(r *Request, s *seats) bool {
	if s == nil || s.open == 0 || q.length >= q.options.MaxRequests {
		return false
	}
	size := q.size(r)
	if q.isLong(size) {
		if last := s.last(); last != unseated && !r.excludes(s.endpoints[last]) {
			return true
		}
	}
	if !s.uneven() {
		return false
	}
	if q.patience(r, s, size, 0) == 0 || s.leaveDoubted(r, q.now()) {
		return false
	}
	q.age()
	return q.patience(r, s, size, q.ahead(r)) > 0
}

// ahead returns how many wait that a request which comes will not overtake.
func (q *queue) ahead(r *Request) (n int) {
	if !q.options.Order.BySize() {
		return q.length
	}
	key := q.key(r)
	for _, w := range q.line {
		if w.key <= key {
			n++
		}
	}
	return n
}

// holdsBack reports whether one who waits goes on doing so, though a slot is free, while
// as many before it do; and sees to it that it is looked at again in time.
func (q *queue) holdsBack(w *Waiter, s *seats, ahead int) bool {
	now := q.now()
	end := w.arrived + min(w.maxWait, q.options.MaxWait)/2 + 1
	switch {
	case w.long && q.mayHoldBack() && s.last() != unseated:
	case s.uneven():
		end = min(end, w.arrived+q.patience(w.request, s, w.size, ahead))
	default:
		return false
	}
	if now >= end {
		return false
	}
	if q.heldUntil == 0 || end < q.heldUntil {
		q.heldUntil = end
	}
	return true
}

// mayHoldBack reports whether long ones may wait though a slot is free.
func (q *queue) mayHoldBack() bool { return q.options.Order.BySize() && q.length <= mostHeldBack }

// turnAway asks the picker about a request that is held back, as if nothing were free.
func (s *seats) turnAway(r *Request) {
	defer s.unmask()
	for i := range s.endpoints {
		s.mask(i)
	}
	s.guard.pick(r)
}

// last returns the seat that has the last free slot of all, of enough; or unseated. Where
// connections fail there is none: what is closed for that may stay so.
func (s *seats) last() int {
	if s == nil || s.open != 1 || s.unreachable > 0 || s.total < fewestSlots {
		return unseated
	}
	i := slices.Index(s.obstacles, 0)
	if s.limit(i)-s.endpoints[i].load.InFlight() != 1 {
		return unseated
	}
	return i
}

// uneven reports whether some seats are open and others are not, of few enough.
func (s *seats) uneven() bool {
	return s.slots != nil && s.open < len(s.endpoints) && len(s.endpoints) <= mostCompared
}

// patience returns for how long a request had better wait for a faster slot than any that
// is free, with so many ahead of it; 0 where one that is free will do.
func (q *queue) patience(r *Request, s *seats, size float64, ahead int) time.Duration {
	trusted := q.trusts()
	if !trusted {
		size = 1
	}
	here, there := math.Inf(1), math.Inf(1) // seconds of the usual request, where it is fastest
	for i, e := range s.endpoints {
		switch usual := e.pace.get(trusted); {
		case !s.waitsFor(i, r):
			if s.obstacles[i] == 0 && !r.excludes(e) {
				here = min(here, usual)
			}
		case usual > 0:
			there = min(there, usual)
		}
	}
	if ahead >= mostPatient || math.IsInf(here, 1) || muchFaster*there >= here {
		return 0
	}
	now, released := q.now(), 0.0 // slots a second
	for i, e := range s.endpoints {
		if usual := e.pace.get(trusted); s.waitsFor(i, r) && usual > 0 && usual < here {
			released += e.pace.release(s.slots[i], trusted, now)
		}
	}
	if wait := float64(ahead+1) / released; muchFaster*(wait+size*there) >= size*here {
		return 0
	}
	return time.Duration(min(stake*size*(here-there), maxPatience) * float64(time.Second))
}

// leaveDoubted reports whether a free slot that the request might have was not tried for so
// long that it may be fast by now: then one that comes does, though those who wait had rather
// not. It shuts all other seats.
func (s *seats) leaveDoubted(r *Request, now time.Duration) (any bool) {
	for i, e := range s.endpoints {
		any = any || s.obstacles[i] == 0 && !r.excludes(e) && e.pace.doubted(now)
	}
	for i, e := range s.endpoints {
		if any && !e.pace.doubted(now) {
			s.mask(i)
		}
	}
	return any
}

// waitsFor reports whether the request may have the seat as soon as a slot is free there.
func (s *seats) waitsFor(i int, r *Request) bool {
	return s.obstacles[i]&(out|onTrial) == 0 && s.obstacles[i] != 0 && !r.excludes(s.endpoints[i])
}
