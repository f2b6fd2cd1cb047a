package balancer

import (
	"fmt"
	"runtime/debug"
	"slices"
)

// unseated is the seat of an endpoint that may not be picked.
const unseated = -1

// seats is who may be picked, by the picker's index, and what the picker was told of
// them. It belongs to one snapshot, and is guarded by Pool.pick once that is in force. A
// nil *seats has nobody.
type seats struct {
	picker    Picker
	counter   Counter     // the picker, where it goes by the work in flight; else nil
	noter     Noter       // the picker, where it has something to say; else nil
	endpoints []*Endpoint // by seat
	slots     []int64     // by seat, 0 for no limit; nil when no seat has one
	total     int64       // slots of all seats; 0 when one has no limit
	closed    []bool      // by seat: to the picker, since it is full or for an outage
	open      int         // seats that are not closed
	queued    bool        // who finds no open seat may wait for one
	out       int         // seats whose endpoints have an outage
	gone      int         // those of them that are gone
	turned    []int       // seats that are shut until reopen
	broken    *panicking  // what the picker panicked with when it was told something
}

// newSeats returns seats of which the picker was told nothing yet.
func newSeats(picker Picker, candidates []Candidate, slots []int64) *seats {
	n := len(candidates)
	s := &seats{picker: picker, endpoints: make([]*Endpoint, n), closed: make([]bool, n), open: n}
	s.counter, _ = picker.(Counter)
	s.noter, _ = picker.(Noter)
	for i, c := range candidates {
		s.endpoints[i] = c.Endpoint
		if slots[i] > 0 && s.slots == nil {
			s.slots = slots
		}
		s.total += slots[i]
	}
	if slices.Contains(slots, 0) {
		s.total = 0
	}
	return s
}

// follow reports whether changes of what is in flight must be told. Where they need not,
// a release takes no lock.
func (s *seats) follow() bool { return s != nil && (s.counter != nil || s.slots != nil) }

// inherit takes over from the seats of the snapshot before, and tells the picker what is
// in flight. Both may be nil. Queued says whether there is a queue.
func (s *seats) inherit(before *seats, queued bool) {
	if s != nil {
		s.queued = queued && s.slots != nil
		var predecessor Picker
		if before != nil {
			predecessor = before.picker
		}
		s.picker.Inherit(predecessor)
		for _, e := range s.endpoints {
			if e.outage.stage.Load() != reachable {
				s.out++
			}
			if e.outage.gone {
				s.gone++
			}
		}
		for i := range s.endpoints {
			s.tell(i)
			s.adjust(i)
		}
	}
	if before != nil {
		for _, e := range before.endpoints {
			e.seat = unseated
		}
	}
	if s != nil {
		for i, e := range s.endpoints {
			e.seat = i
		}
	}
}

// take picks a seat for the request and counts it in flight there.
func (s *seats) take(r *Request) (*Endpoint, error) {
	if s == nil {
		return nil, ErrNoEndpoint
	}
	for {
		s.raise()
		i, ok := s.picker.Pick(r)
		if !ok && s.out > 0 {
			i, ok = s.takeBarred(r)
		}
		if !ok {
			return nil, s.refusal(r)
		}
		e := s.endpoints[i]
		if !s.follow() && s.out == 0 {
			e.load.begin()
			return e, nil
		}
		if s.begin(i) {
			return e, nil
		}
	}
}

// takeOpen is take for a request that the picker has been asked about before.
func (s *seats) takeOpen(r *Request) (*Endpoint, error) {
	if s != nil && s.open == 0 && s.out == 0 {
		return nil, s.refusal(r)
	}
	return s.take(r)
}

// refusal says why there is no seat for the request.
func (s *seats) refusal(r *Request) error {
	if s.slots != nil {
		for _, e := range s.endpoints {
			if !r.excludes(e) {
				return ErrFull
			}
		}
	}
	return ErrNoEndpoint
}

// begin counts one request in flight at the seat. It fails, and closes the seat, when
// other pools that name the server have taken its last slot: whoever frees one afterwards
// will tell.
func (s *seats) begin(i int) bool {
	e := s.endpoints[i]
	if s.closed[i] && !s.barred(i) {
		panic(fmt.Sprintf("BUG: the policy picked %q, which is closed", e.name))
	}
	if s.limit(i) == 0 {
		e.load.begin()
	} else if n, began := e.load.beginBelow(s.limit(i)); !began {
		s.show(i, n)
		return false
	}
	told := false
	defer func() {
		if !told { // the picker panicked: nobody will have a lease to release
			e.load.cancel()
			s.tell(i)
			s.broken = nil
			e.outage.stage.CompareAndSwap(tried, open)
		}
	}()
	s.tell(i)
	if s.out > 0 {
		s.try(i)
	}
	s.raise()
	told = true
	return true
}

// limit returns the slots of the seat, 0 for no limit.
func (s *seats) limit(i int) int64 {
	if s.slots == nil {
		return 0
	}
	return s.slots[i]
}

func (s *seats) isFull(i int, inFlight int64) bool {
	limit := s.limit(i)
	return limit > 0 && inFlight >= limit
}

// tell brings what the picker knows of the seat up to date.
func (s *seats) tell(i int) { s.show(i, s.endpoints[i].load.InFlight()) }

// show tells the picker that so many are in flight at the seat.
func (s *seats) show(i int, inFlight int64) {
	if s.counter != nil {
		s.count(i, inFlight)
	}
	if s.slots != nil && s.slots[i] > 0 {
		s.setClosed(i, inFlight >= s.slots[i] || s.barred(i))
	}
}

// setClosed closes the seat to the picker, or opens it.
func (s *seats) setClosed(i int, closed bool) {
	if closed == s.closed[i] {
		return
	}
	s.openUp(i, !closed)
	if s.closed[i] = closed; closed {
		s.open--
	} else {
		s.open++
	}
}

// count and openUp tell the picker of a change. Whoever happens to do so, a timer or another
// pool's request, has nothing to do with a policy that panics: that costs the pool's next
// request, whose goroutine recovers.
func (s *seats) count(i int, n int64) {
	defer s.keep()
	s.counter.Count(i, n)
}

func (s *seats) openUp(i int, open bool) {
	defer s.keep()
	s.picker.Open(i, open)
}

// keep is deferred, and keeps a panic for raise.
func (s *seats) keep() {
	if cause := recover(); cause != nil && s.broken == nil {
		s.broken = &panicking{cause: cause, stack: debug.Stack()}
	}
}

// raise panics if the picker has.
func (s *seats) raise() {
	if b := s.broken; b != nil {
		s.broken = nil
		panic(fmt.Sprintf("%v, while the policy was told of a change:\n%s", b.cause, b.stack))
	}
}
