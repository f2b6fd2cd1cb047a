package balancer

import "slices"

// publish returns when a snapshot that shows this change, and all before it, is in force.
// Whoever comes first shows what the others have recorded by then as well, so that of a
// burst of changes from many goroutines most cost no snapshot of their own. It panics if the
// policy does at its start: then the snapshot before stays in force.
func (p *Pool) publish(change uint64) { raise(p.tryPublish(change)) }

// tryPublish is publish, and fails with what the policy panicked with.
func (p *Pool) tryPublish(change uint64) error {
	given, others, err := p.renew(change)
	for _, e := range given {
		e.load.tell(e)
	}
	refresh(others)
	p.notices.tell()
	return err
}

// refresh lets the pools show that servers of theirs have other slots. A policy of theirs that
// panics is nothing to the caller, who holds no lock: it costs the pool's next request.
func refresh(pools []*Pool) {
	for _, p := range pools {
		p.mu.Lock()
		p.changes++
		change := p.changes
		p.mu.Unlock()
		if failure, failed := p.tryPublish(change).(*policyPanic); failed {
			p.pick.Lock()
			if s := p.snapshot.Load().seats; s != nil {
				s.guard.panic = failure
			}
			p.pick.Unlock()
		}
	}
}

// renew is publish under the lock. It returns the endpoints that may have been given to
// those who wait, and the other pools for which slots have changed.
func (p *Pool) renew(change uint64) (given []*Endpoint, others []*Pool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.published >= change || p.retired.Load() {
		return nil, nil, nil
	}
	others = slices.DeleteFunc(p.loads.tellSlots(p.members), func(other *Pool) bool { return other == p })
	next, err := newSnapshot(p.name, defaultRules, p.options.Policy, p.members)
	if err != nil {
		return nil, others, err
	}
	next.Version = p.snapshot.Load().Version + 1
	members := make([]*Endpoint, len(p.members))
	for i, m := range p.members {
		members[i] = m.endpoint
	}
	p.loads.watch(members, next.seats.follow()) // first: what the seats do not see when they are filled they are told
	gave, err := p.handOver(next)
	if err != nil {
		return nil, others, err
	}
	p.published = p.changes
	if gave {
		given = next.seats.endpoints
	}
	return given, others, nil
}

// handOver puts the snapshot and the options of the queue in force, and reports whether
// any who waited were given a slot. No pick falls between the two pickers.
func (p *Pool) handOver(next *Snapshot) (gave bool, err error) {
	p.pick.Lock()
	defer p.pick.Unlock()
	if err := next.seats.inherit(p.snapshot.Load().seats, p.options.Queue.MaxRequests > 0); err != nil {
		return false, err
	}
	p.snapshot.Store(next)
	p.queue.configure(p.options, p.Recheck)
	p.notices.configure(p.options.Notify)
	p.notices.add(p.marked...)
	p.marked = nil
	p.notePanic(IgnoresEjections, next.Panicking)
	p.notePanic(IgnoresOutages, next.seats != nil && !next.seats.obeysOutages())
	return p.serveWaiting(nil), nil
}
