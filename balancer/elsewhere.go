// Requests that other processes have in flight at our servers, and that wait at other gateways.

package balancer

// SetElsewhere tells how many requests other processes have in flight now at each server, by
// address: those that this process replaces, while they finish what they have begun, and other gateways. They count
// as if they were ours, so that the server gets no more than it has slots for, and policies see
// how busy it is. An address that is not named has none.
func (l *Loads) SetElsewhere(byAddress map[string]int64) {
	for _, load := range l.count(byAddress) {
		load.tell(nil)
	}
}

// count is the part of SetElsewhere under the lock. It returns the Loads that have changed.
func (l *Loads) count(byAddress map[string]int64) (changed []*Load) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.elsewhere = byAddress
	for address, load := range l.byAddress {
		n := byAddress[address]
		if was := load.elsewhere.Swap(n); was != n {
			load.inFlight.Add(n - was)
			changed = append(changed, load)
		}
	}
	return changed
}

// Own is how many requests of this process are in flight at each server, by address; servers
// without any are left out.
func (l *Loads) Own() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := map[string]int64{}
	for address, load := range l.byAddress {
		if n := load.InFlight() - load.Elsewhere(); n > 0 {
			own[address] = n
		}
	}
	return own
}

// elsewhere is what waits at other gateways that share the queue's bound.
type elsewhere struct {
	gateways int // this one included; 0 and 1: there is no other
	waiting  int // there
}

// SetWaitingElsewhere tells how many gateways share the bound of the queue, this one included, and how many requests wait at
// the others. Where as many as may wait at all of them together, each may still have its part of them wait.
func (p *Pool) SetWaitingElsewhere(gateways, waiting int) {
	p.pick.Lock()
	defer p.pick.Unlock()
	p.queue.elsewhere = elsewhere{gateways, waiting}
}

// full reports whether as many wait as may.
func (q *queue) full() bool {
	most, others := q.options.MaxRequests, q.elsewhere
	if others.gateways > 1 && most > 0 && q.length > (most-1)/others.gateways {
		return q.length >= most-others.waiting
	}
	return q.length >= most
}

// Elsewhere returns how many of the requests in flight are other processes'.
func (l *Load) Elsewhere() int64 { return l.elsewhere.Load() }
