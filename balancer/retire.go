// The end of a pool whose upstream is gone.

package balancer

import "errors"

// ErrRetired says that a pool was retired and changes no more.
var ErrRetired = errors.New("the pool is retired")

// Retire is for the pool of an upstream that is gone. Once nobody waits in it any more, it
// gives back what it shares with other pools. Leases that are out are released as ever, and
// requests that wait, or that come late, are still served. But Apply fails, and SetCondition
// changes nothing.
func (p *Pool) Retire() {
	p.mu.Lock()
	p.retired.Store(true)
	p.mu.Unlock()
	p.leave()
}

// leave gives back what a retired pool shares, unless somebody waits. It is called by
// Retire, and by each who has waited in a retired pool.
func (p *Pool) leave() { refresh(p.giveBack()) }

// giveBack is leave under the lock. It returns the pools for which slots have changed.
func (p *Pool) giveBack() (changed []*Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if gone := p.unwatch(); len(gone) > 0 && !p.dropped {
		p.dropped = true
		changed = p.loads.drop(gone)
	}
	return changed
}

// unwatch has the pool told of no more changes, and returns its endpoints. While somebody
// waits it does nothing, and returns none. The caller holds mu.
func (p *Pool) unwatch() (gone []*Endpoint) {
	p.pick.Lock()
	defer p.pick.Unlock()
	if p.queue.length > 0 {
		return nil
	}
	for _, m := range p.members {
		gone = append(gone, m.endpoint)
	}
	p.loads.watch(gone, false)
	return gone
}

// catchUp brings a retired pool up to date for a request that comes late: while nobody waits
// in it, it is told of no changes. If the request waits, the pool is told of them again. The
// caller holds pick.
func (p *Pool) catchUp(waits bool) {
	s := p.snapshot.Load().seats
	if s == nil || !s.follow() && !p.queue.readsAhead(s) || p.queue.length > 0 {
		return
	}
	if waits {
		p.loads.watch(s.endpoints, true)
	}
	for i := range s.endpoints {
		s.tell(i)
	}
}
