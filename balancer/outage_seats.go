package balancer

// countOutage adds the endpoint's outage, if there is one, to those of the seats so often:
// 1, or -1 to take it out.
func (s *seats) countOutage(e *Endpoint, times int) {
	if e.outage.at() != reachable {
		s.unreachable += times
	}
	if e.outage.long {
		s.longOut += times
	}
}

// changeOutage changes the outage of an endpoint, and shows the picker what comes of it: at
// all seats, where outages begin or cease to be obeyed. s may be nil, and the endpoint
// without a seat.
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

// showOutage brings what is shown of the seat's outage up to date.
func (s *seats) showOutage(i int) {
	given := obstacles(0)
	if s.unreachable > 0 && s.obeysOutages() {
		switch s.endpoints[i].outage.at() {
		case paused:
			given = out
		case tried:
			given = onTrial
		}
	}
	s.put(i, out|onTrial, given)
}

// try notes that a request was given the seat, which finds out whether its endpoint is back
// where it may be. It reports whether the request does so.
func (s *seats) try(i int) bool {
	if s.unreachable == 0 || !s.obeysOutages() {
		return false
	}
	from, to := s.endpoints[i].outage.pass(trialBegan)
	if from == to {
		return false
	}
	s.showOutage(i)
	return true
}

// endTrial takes back what try did, for a request that came to nothing.
func (s *seats) endTrial(i int) {
	s.endpoints[i].outage.pass(nothingLearned)
	s.showOutage(i)
}

// pickUnreachable is for a request that finds no open seat. Where outages are in the way at
// all seats that it may have, and it had better not wait, it is given one of them that has a
// slot free.
func (s *seats) pickUnreachable(r *Request) (i int, ok bool) {
	for i, e := range s.endpoints {
		if !r.excludes(e) && (s.obstacles[i]&(out|onTrial) == 0 || s.queued && !e.outage.long) {
			return 0, false // it had better wait for that one
		}
	}
	for i, e := range s.endpoints {
		if !r.excludes(e) {
			s.put(i, out|onTrial, 0)
		}
	}
	defer func() { // deferred, since the policy may panic
		for i, e := range s.endpoints {
			if !r.excludes(e) {
				s.showOutage(i)
			}
		}
	}()
	i, ok = s.guard.pick(r)
	return i, ok && s.isOpen(i)
}
