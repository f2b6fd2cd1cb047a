// How outages show at the seats of a snapshot.

package balancer

// countAway counts the endpoint, if it is out or cools off: by 1, or by -1 to take it out again.
func (s *seats) countAway(e *Endpoint, by int) {
	if e.outage.at() != reachable {
		s.unreachable += by
	}
	if e.outage.at() != reachable || e.Cooling() {
		s.away += by
	}
	if e.outage.long || e.cooling.long {
		s.longAway += by
	}
}

// changeAway changes the outage or the pause of an endpoint, and shows that at its seat; or at
// all seats, if these are obeyed now and were not before, or the other way round. s may be nil,
// and the endpoint may have no seat.
func (s *seats) changeAway(e *Endpoint, change func()) {
	if e.seat == unseated {
		change()
		return
	}
	obeyed := s.obeysOutages()
	s.countAway(e, -1)
	change()
	s.countAway(e, 1)
	if s.obeysOutages() == obeyed {
		s.showOutage(e.seat)
		s.showCooling(e.seat)
		return
	}
	for i := range s.endpoints {
		s.showOutage(i)
		s.showCooling(i)
	}
}

// obeysOutages reports whether outages and pauses keep requests from seats.
func (s *seats) obeysOutages() bool {
	return s != nil && obeysOutages(len(s.endpoints), s.away, s.longAway, s.queued)
}

// ignoresOutages reports whether all are used though none can be reached.
func (s *seats) ignoresOutages() bool {
	return s != nil && s.unreachable == len(s.endpoints) && !s.obeysOutages()
}

// showOutage puts the obstacles that the seat has by its endpoint's outage.
func (s *seats) showOutage(i int) {
	given := obstacles(0)
	if s.unreachable > 0 && s.obeysOutages() {
		switch s.endpoints[i].outage.at() {
		case paused:
			given = out
		case tried:
			given = beingTried
		}
	}
	s.put(i, out|beingTried, given)
}

// try notes that a request was given the seat. It reports whether that request finds
// out whether the endpoint can be reached.
func (s *seats) try(i int) bool {
	if s.unreachable == 0 || !s.obeysOutages() {
		return false
	}
	from, to := s.endpoints[i].outage.advance(tryBegan)
	if from == to {
		return false
	}
	s.showOutage(i)
	return true
}

// untry takes back what try did, since nothing came of the request.
func (s *seats) untry(i int) {
	s.endpoints[i].outage.advance(nothingLearned)
	s.showOutage(i)
}

// pickClosed is for a request that finds no open seat. If all seats that it may have are closed
// for soft reasons, and it is not to wait for one of those, it gets one of them that has a slot
// free. Waits says that it waits already.
func (s *seats) pickClosed(r *Request, waits bool) (i int, ok bool) {
	for i, e := range s.endpoints {
		if !r.excludes(e) && s.awaited(i, waits) {
			return 0, false
		}
	}
	for i, e := range s.endpoints {
		if !r.excludes(e) {
			s.put(i, soft, 0)
		}
	}
	defer func() { // deferred, since the policy may panic
		for i, e := range s.endpoints {
			if !r.excludes(e) {
				s.showOutage(i)
				s.showTrial(i)
				s.showCooling(i)
			}
		}
	}()
	i, ok = s.guard.pick(r)
	return i, ok && s.isOpen(i)
}

// awaited reports whether a request had better wait for the seat, which is closed.
func (s *seats) awaited(i int, waits bool) bool {
	why, e := s.obstacles[i], s.endpoints[i]
	if why&soft == 0 {
		return true
	}
	lastsLong := why&(out|beingTried) != 0 && e.outage.long || why&coolingOff != 0 && e.cooling.long
	return (s.queued || waits) && !lastsLong
}
