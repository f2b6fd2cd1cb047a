// Putting a new snapshot in force.

package balancer

import "slices"

// publish returns when a snapshot is in force that shows this change and all before it. When
// many goroutines make changes at once, the first to come here shows those of the others as
// well, so that most of the changes cost no snapshot of their own. It panics if the policy
// panics at its start: then the snapshot before stays in force.
func (p *Pool) publish(change uint64) { raise(p.tryPublish(change)) }

// tryPublish is publish, and fails with what the policy panicked with.
func (p *Pool) tryPublish(change uint64) error {
	given, others, err := p.renew(change)
	for _, e := range given {
		e.load.tell(e)
	}
	refresh(others)
	p.notices.tell()
	if err == nil && p.snapshot.Load().shifts() { // an endpoint went away or came back meanwhile
		refresh([]*Pool{p})
	}
	return err
}

// refresh has the pools publish anew, since servers of theirs have another number of slots. If
// one of their policies panics that is not the caller's fault: it costs the next request of
// that pool. The caller holds no lock.
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
	others = slices.DeleteFunc(p.loads.tell(p.members), func(other *Pool) bool { return other == p })
	p.ramps()
	next, err := newSnapshot(p.name, &p.options, p.members, p.now())
	if err != nil {
		return nil, others, err
	}
	next.Version = p.snapshot.Load().Version + 1
	members := make([]*Endpoint, len(p.members))
	for i, m := range p.members {
		members[i] = m.endpoint
	}
	p.loads.watch(members, next.seats.follow() || p.options.Queue.ReadAhead > 0 && next.seats != nil && next.seats.guard.binder != nil) // first: what changes while the seats are filled they must be told
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

// handOver puts the snapshot and the options of the queue in force, under one lock, so that no
// pick falls between the old picker and the new. It reports whether anybody who waited was
// given a slot.
func (p *Pool) handOver(next *Snapshot) (gave bool, err error) {
	p.pick.Lock()
	defer p.pick.Unlock()
	if err := next.seats.inherit(p.snapshot.Load().seats, p.options.Queue.MaxRequests > 0); err != nil {
		return false, err
	}
	p.snapshot.Store(next)
	p.queue.configure(p.options, p.Recheck)
	if p.queue.hold = 0; next.Holding {
		p.queue.hold = p.options.Hold
	}
	p.learned.Tune(next.wants.Tuning)
	p.notices.configure(p.options.Notify)
	p.notices.add(p.marked...)
	p.marked = nil
	p.notePanic(IgnoresEjections, next.Panicking)
	p.notePanic(SpillsOver, next.Spilled)
	p.notePanic(IgnoresOutages, next.seats.ignoresOutages())
	return p.serveWaiting(nil), nil
}
