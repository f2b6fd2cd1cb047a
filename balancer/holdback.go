// Whether a request waits though a slot is free.

package balancer

import (
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// A request may be held back, that is, made to wait though a slot is free: package dispatch
// has the reasons. Here is what it is asked, and what comes of its answers.

// size returns a request's predicted work in units of the usual one; 1 where that is not
// known, or does not matter.
func (q *queue) size(r *Request) float64 {
	if !q.options.Order.BySize() {
		return 1
	}
	return q.sizes.Of(r.work())
}

// arrive takes in a request that comes for the first time.
func (q *queue) arrive(r *Request) {
	if r == nil || r.place.number == 0 {
		q.demand.requests++
		q.demand.work += sizeOf(r)
	}
	if q.options.Order.BySize() && r != nil && r.place.number == 0 {
		q.sizes.Arrived(r.Work)
	}
}

// measured returns the size of a request that is to be measured; 0 where nothing is.
func (q *queue) measured(r *Request, s *seats) float64 {
	if s.slots == nil || q.options.MaxRequests == 0 {
		return 0
	}
	return q.size(r)
}

// keepsOut reports whether a request that comes has to go to the queue though a slot is
// free that it might have: it waits, or who was held back before goes first. Where it is to
// try seats that are stale, all others are masked until unmask.
func (q *queue) keepsOut(r *Request, s *seats) bool {
	return !q.full() && s != nil && s.open > 0 && !q.options.TakeAtOnce && q.hasToWait(r, s)
}

// hasToWait is keepsOut where a slot is free and the request may wait.
func (q *queue) hasToWait(r *Request, s *seats) bool {
	size := q.size(r)
	long := q.sizes.IsLong(size)
	if !long && !s.uneven() {
		return false
	}
	now := q.now()
	asks := dispatch.Request{Size: size, Trusted: q.sizes.Trusted(), Long: long, New: true, Arrived: now}
	fleet := q.fleet(r, s, &asks, now)
	switch action, _ := dispatch.Tuned.Decide(&asks, &fleet, now); action {
	case dispatch.Take:
		return false
	case dispatch.Mask:
		for i := range fleet.Seats {
			if !fleet.Seats[i].Stale {
				s.mask(i)
			}
		}
		return false
	}
	q.age(now)
	asks.Ahead = q.ahead(r)
	action, _ := dispatch.Tuned.Decide(&asks, &fleet, now)
	return action == dispatch.Wait
}

// ahead returns how many wait that a request which comes will not overtake.
func (q *queue) ahead(r *Request) (n int) {
	key, priority := q.key(r), r.priority()
	if !q.options.Order.BySize() && q.of[priority] == q.length {
		return q.length
	}
	for _, w := range q.line {
		if w.priority > priority || w.priority == priority && w.key <= key {
			n++
		}
	}
	return n
}

// holdsBack reports whether one who waits goes on doing so, though a slot is free, while
// as many before it do; and sees to it that it is asked about again in time.
func (q *queue) holdsBack(w *Waiter, s *seats, ahead int, now time.Duration) bool {
	if q.options.TakeAtOnce || !w.long && !s.uneven() {
		return false
	}
	asks := dispatch.Request{
		Size: w.size, Trusted: q.sizes.Trusted(), Long: w.long, Ahead: ahead,
		Arrived: w.arrived, Longest: min(w.maxWait, q.options.MaxWait) / 2,
	}
	fleet := q.fleet(w.request, s, &asks, now)
	fleet.Waiting = q.length
	action, until := dispatch.Tuned.Decide(&asks, &fleet, now)
	if action != dispatch.Wait {
		return false
	}
	if q.heldUntil == 0 || until < q.heldUntil {
		q.heldUntil = until
	}
	return true
}

// fleet returns what the request might have. It belongs to the queue, until the next call.
func (q *queue) fleet(r *Request, s *seats, asks *dispatch.Request, now time.Duration) (f dispatch.Fleet) {
	f.Slots, f.FreeSlots = s.total, 2
	if asks.Long && s.lastFree(r) {
		f.FreeSlots = 1
	}
	if asks.Ahead >= dispatch.Tuned.MostPatient || !s.uneven() {
		return f
	}
	if cap(q.compared) < len(s.endpoints) {
		q.compared = make([]dispatch.Seat, len(s.endpoints))
	}
	f.Seats = q.compared[:len(s.endpoints)]
	for i, e := range s.endpoints {
		seat := &f.Seats[i]
		seat.Slots, seat.Seconds, seat.Silent = s.slots[i], e.service.Seconds(asks.Trusted), e.service.Silent(now)
		seat.Stale = asks.New && e.service.Stale(now)
		may := !r.excludes(e)
		seat.Free = may && s.obstacles[i] == 0
		seat.Awaited = may && s.obstacles[i] != 0 && s.obstacles[i]&soft == 0
	}
	return f
}

// refuse asks the picker about a request that is held back, as if nothing were free: it is
// asked once about each that comes.
func (s *seats) refuse(r *Request) {
	defer s.unmask()
	for i := range s.endpoints {
		s.mask(i)
	}
	s.guard.pick(r)
}

// lastFree reports whether one slot alone is free, and the request may have it. Where seats
// may be closed for soft reasons there is none: they may stay so.
func (s *seats) lastFree(r *Request) bool {
	if s.open != 1 || !s.allUsed() || s.total == 0 {
		return false
	}
	i := slices.Index(s.obstacles, 0)
	return s.limit(i)-s.endpoints[i].load.InFlight() == 1 && !r.excludes(s.endpoints[i])
}

// uneven reports whether some seats are open and others are not, of few enough.
func (s *seats) uneven() bool {
	return s.slots != nil && s.open < len(s.endpoints) && len(s.endpoints) <= dispatch.Tuned.MostCompared
}
