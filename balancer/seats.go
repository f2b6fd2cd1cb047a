// The eligible endpoints as the policy sees them, and taking one.

package balancer

import "slices"

// unseated is the seat of an endpoint that may not be picked.
const unseated = -1

// seats is the eligible endpoints, by the picker's index, with what keeps each from being
// picked just now. It belongs to one snapshot, and is guarded by Pool.pick once that is in
// force. A nil *seats has nobody.
type seats struct {
	guard     guard
	endpoints []*Endpoint // by seat
	capacity  []float64   // by seat, in force
	slots     []int64     // by seat, 0 for no limit; nil when no seat has one
	total     int64       // slots of all seats; 0 when one has no limit
	trials    []int64     // by seat, how many requests try it at once, 0 where it is not on trial; nil where none is
	obstacles []obstacles // by seat
	parts     []float64   // by seat, in units of the mean capacity; nil where servers keep no count of requests
	open      int         // seats without any
	masked    []int       // seats that have masked
	queued    bool        // who finds no open seat may wait for one

	// Written by countAway.
	unreachable int // seats whose endpoints have an outage
	away        int // those and the ones whose endpoints cool off
	longAway    int // those of them that are so for long
}

// newSeats returns seats whose picker was told nothing yet.
func newSeats(builder Builder, candidates []Candidate, slots, trials []int64) *seats {
	n := len(candidates)
	s := &seats{endpoints: make([]*Endpoint, n), capacity: make([]float64, n), obstacles: make([]obstacles, n), open: n}
	s.guard.build(builder, candidates)
	for i, c := range candidates {
		s.endpoints[i], s.capacity[i] = c.Endpoint, c.Capacity
		if slots[i] > 0 && s.slots == nil {
			s.slots = slots
		}
		if trials[i] > 0 {
			s.trials = trials
		}
		s.total += slots[i]
	}
	if slices.Contains(slots, 0) {
		s.total = 0
	}
	return s
}

// follow reports whether the seats must hear of changes to what is in flight. Where they need
// not, a release takes no lock.
func (s *seats) follow() bool { return s != nil && (s.guard.counter != nil || s.slots != nil) }

// inherit takes over from the seats of the snapshot before, and tells the picker what is in
// flight. Either may be nil. Queued says whether there is a queue. If the policy panics at its
// start, inherit fails and has changed nothing.
func (s *seats) inherit(before *seats, queued bool) error {
	if s != nil {
		var predecessor *guard
		if before != nil {
			predecessor = &before.guard
		}
		s.guard.inherit(predecessor)
		if err := s.guard.failure(); err != nil {
			return err
		}
		s.queued = queued && s.slots != nil
		for _, e := range s.endpoints {
			s.countAway(e, 1)
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
			e.trial.configure(s.trialSlots(i))
			s.tell(i)
			s.showOutage(i)
			s.showTrial(i)
			s.showCooling(i)
		}
	}
	if before != nil {
		for _, e := range before.endpoints {
			if e.seat == unseated {
				e.trial.configure(0)
			}
		}
	}
	return nil
}

// take picks a seat for the request and counts it in flight there. Waits says that the request
// waits already. It fails with ErrFull, ErrNoEndpoint, or what the policy panicked with.
func (s *seats) take(r *Request, waits bool) (taken, error) {
	if s == nil {
		return taken{}, ErrNoEndpoint
	}
	for {
		i, ok := s.guard.pick(r)
		if ok && !s.follow() && s.allUsed() {
			if r != nil && r.Why != nil {
				s.explain(r, i)
			}
			s.endpoints[i].load.add()
			return s.visit(i, r), nil
		}
		ok = ok && s.isOpen(i)
		if !ok && !s.allUsed() {
			i, ok = s.pickClosed(r, waits)
		}
		if !ok {
			if err := s.guard.failure(); err != nil {
				return taken{}, err
			}
			return taken{}, s.refusal(r)
		}
		if r != nil && r.Why != nil {
			s.explain(r, i)
		}
		if occupied, err := s.occupy(i); err != nil {
			return taken{}, err
		} else if occupied {
			return s.visit(i, r), nil
		}
	}
}

// allUsed reports whether no seat can be closed for soft reasons.
func (s *seats) allUsed() bool { return s.away == 0 && s.trials == nil }

// takeAgain is take for a request that the picker was asked about before. Where no seat is
// open the picker is not asked again.
func (s *seats) takeAgain(r *Request) (taken, error) {
	if s != nil && s.open == 0 && s.allUsed() {
		return taken{}, s.refusal(r)
	}
	return s.take(r, false)
}

// isOpen reports whether the seat that the policy picked is open. A policy that picks a closed
// one is at fault: without this it would be asked again for ever.
func (s *seats) isOpen(i int) bool {
	if s.obstacles[i] != 0 {
		s.guard.accuse("BUG: the policy picked %q, which is closed", s.endpoints[i].name)
		return false
	}
	return true
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

// occupy counts one request in flight at the seat. If other pools have taken the last slot of
// its server meanwhile, it marks the seat as full and counts nothing: whoever frees a slot
// later will tell. It fails if the policy panics when it is told.
func (s *seats) occupy(i int) (occupied bool, err error) {
	e := s.endpoints[i]
	if limit := s.limit(i); limit == 0 {
		e.load.add()
	} else if n, added := e.load.addBelow(limit); !added {
		s.show(i, n)
		return false, s.guard.failure()
	}
	s.tell(i)
	tries := s.try(i)
	s.joinTrial(i)
	if err = s.guard.failure(); err == nil {
		return true, nil
	}
	e.load.remove() // nobody will have a lease to release
	s.tell(i)
	if tries {
		s.untry(i)
	}
	s.leaveTrial(i)
	_ = s.guard.failure()
	return false, err
}

// limit returns the slots of the seat, 0 for no limit.
func (s *seats) limit(i int) int64 {
	if s.slots == nil {
		return 0
	}
	return s.slots[i]
}

// tell is show with what is in flight now.
func (s *seats) tell(i int) { s.show(i, s.endpoints[i].load.InFlight()) }

// show tells the picker that so many requests are in flight at the seat, and notes whether
// that makes it full.
func (s *seats) show(i int, inFlight int64) {
	if s.guard.counter != nil {
		s.guard.count(i, inFlight)
	}
	if s.slots == nil || s.slots[i] == 0 {
		return
	}
	if inFlight >= s.slots[i] {
		s.put(i, full, full)
	} else {
		s.put(i, full, 0)
	}
}
