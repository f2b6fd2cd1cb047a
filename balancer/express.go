package balancer

import (
	"math"
	"slices"
)

const (
	// A request of more than longWork times the mean predicted work is long. With 4, work
	// that is exponential (1.8 % are long) costs under 1 % of the mean response time in the
	// simulations of bench/sim, and hyperexponential work of cv² 10 gains 14 %.
	longWork = 4
	// mostHeldBack is how many requests may wait beside a free slot. With more, under a load
	// that needs every slot, too much of one would lie idle.
	mostHeldBack = 2
	// The mean is taken over usualHorizon requests, and known from usualKnown on.
	usualHorizon, usualKnown = 200, 20
)

// usual is the mean predicted work of the requests that came, the last ones mostly.
// Guarded by Pool.pick.
type usual struct {
	mean float64
	seen int // up to usualHorizon
}

// learn takes in the work of one request; 0 is not known.
func (u *usual) learn(work float64) {
	if !(work > 0) || math.IsInf(work, 1) {
		return
	}
	u.seen = min(u.seen+1, usualHorizon)
	u.mean += (work - u.mean) / float64(u.seen)
}

// arrive takes in a request that comes for the first time.
func (q *queue) arrive(r *Request) {
	if q.options.Order == Express && r != nil && r.place.number == 0 {
		q.usual.learn(r.Work)
	}
}

// isLong reports whether a request of this work leaves the last free slot to others.
func (q *queue) isLong(work float64) bool {
	return q.options.Order == Express && q.usual.seen >= usualKnown && work > longWork*q.usual.mean
}

// keepsOut reports whether a request that comes has to go to the queue though a slot is
// free that it might have: it waits, or who was held back before goes first.
func (q *queue) keepsOut(r *Request, s *seats) bool {
	if !q.isLong(r.work()) || q.length >= q.options.MaxRequests {
		return false
	}
	last := s.last()
	return last != unseated && !r.excludes(s.endpoints[last])
}

// mayHoldBack reports whether some may wait though a slot is free.
func (q *queue) mayHoldBack() bool { return q.options.Order == Express && q.length <= mostHeldBack }

// holdsBack reports whether the long ones of those who wait do.
func (q *queue) holdsBack(s *seats) bool { return q.mayHoldBack() && s.last() != unseated }

// turnAway asks the picker about a request that does not get the last slot, as if that
// were not free.
func (s *seats) turnAway(r *Request) {
	last := s.last()
	s.setClosed(last, true)
	defer s.setClosed(last, false)
	s.picker.Pick(r)
}

// last returns the seat that has the last free slot of all, while others are in use; or
// unseated. Where connections fail there is none: what is closed for that may stay so.
func (s *seats) last() int {
	if s == nil || s.open != 1 || s.out > 0 {
		return unseated
	}
	i := slices.Index(s.closed, false)
	inUse := s.endpoints[i].load.InFlight()
	if s.limit(i)-inUse != 1 || inUse == 0 && len(s.endpoints) == 1 {
		return unseated
	}
	return i
}
