// How outages show at the seats of a snapshot.

package balancer

// countOutage counts the endpoint's outage, if there is one: by 1, or by -1 to take it out
// again.
func (s *seats) countOutage(e *Endpoint, by int) {
	if e.outage.at() != reachable {
		s.unreachable += by
	}
	if e.outage.long {
		s.longOut += by
	}
}

// changeOutage changes the outage of an endpoint, and shows that at its seat; or at all seats,
// if outages are obeyed now and were not before, or the other way round. s may be nil, and the
// endpoint may have no seat.
func (s *seats) changeOutage(e *Endpoint, change func()) {
	if e.seat == unseated {
		change()
		return
	}
	obeyed := s.obeysOutages()
	s.countOutage(e, -1)
	change()
	s.countOutage(e, 1)
	if s.obeysOutages() == obeyed {
		s.showOutage(e.seat)
		return
	}
	for i := range s.endpoints {
		s.showOutage(i)
	}
}

// obeysOutages reports whether outages keep requests from seats.
func (s *seats) obeysOutages() bool {
	return s != nil && obeysOutages(len(s.endpoints), s.unreachable, s.longOut, s.queued)
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
			}
		}
	}()
	i, ok = s.guard.pick(r)
	return i, ok && s.isOpen(i)
}

// awaited reports whether a request had better wait for the seat, which is closed.
func (s *seats) awaited(i int, waits bool) bool {
	switch why := s.obstacles[i]; {
	case why&soft == 0:
		return true
	case why&(out|beingTried) != 0:
		return (s.queued || waits) && !s.endpoints[i].outage.long
	}
	return s.queued || waits
}
