// The load of each server by its address, shared by all pools.

package balancer

import (
	"slices"
	"sync"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// Loads has the Load of each server by its address. All pools share one, so that a server
// that two upstreams name, or that stays over a reload, is counted once.
type Loads struct {
	mu        sync.Mutex       // guards byAddress and every Load's holders, slots and watchers; taken on membership changes only
	byAddress map[string]*Load // written under mu
	elsewhere map[string]int64 // as last told; written under mu
}

// NewLoads returns an empty set.
func NewLoads() *Loads { return &Loads{byAddress: make(map[string]*Load)} }

// InFlight returns how many requests of this process all servers are working on, those included that are no
// longer named while leases are out.
func (l *Loads) InFlight() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, load := range l.byAddress {
		n += load.InFlight() - load.Elsewhere()
	}
	return n
}

// Slots returns the slots of each server by its address, 0 where it has no limit.
func (l *Loads) Slots() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	slots := make(map[string]int64, len(l.byAddress))
	for address, load := range l.byAddress {
		slots[address] = load.slots.Load()
	}
	return slots
}

// hold returns the server's Load, for the endpoint, and keeps it until the endpoint is dropped.
func (l *Loads) hold(address string, e *Endpoint) *Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	load := l.byAddress[address]
	if load == nil {
		load = &Load{holders: make(map[*Endpoint]said), server: cost.NewServer()}
		load.elsewhere.Store(l.elsewhere[address])
		load.inFlight.Store(l.elsewhere[address])
		l.byAddress[address] = load
	}
	load.holders[e] = said{}
	return load
}

// shares reports whether other endpoints than this one point at its server.
func (l *Loads) shares(e *Endpoint) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(e.load.holders) > 1
}

// said is what a pool says of a server; 0 where it says nothing.
type said struct{ slots, cacheTokens int64 }

// tell notes what a pool's members are configured with. A server has the least
// number of slots that any pool says: a pool that says more would take all slots from the others. It
// returns the pools for which that number has changed.
func (l *Loads) tell(members []*member) (changed []*Pool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range members {
		load := m.endpoint.load
		if now := (said{int64(m.slots), m.cacheTokens}); load.holders[m.endpoint] != now {
			load.holders[m.endpoint] = now
			load.reckonCache()
			changed = load.reckonSlots(changed)
		}
	}
	return changed
}

// reckonSlots finds the least number of slots, and adds the pools for which it has changed.
func (l *Load) reckonSlots(changed []*Pool) []*Pool {
	least := int64(0)
	for _, s := range l.holders {
		if s.slots > 0 && (least == 0 || s.slots < least) {
			least = s.slots
		}
	}
	if l.slots.Swap(least) == least {
		return changed
	}
	for e := range l.holders {
		if !slices.Contains(changed, e.pool) {
			changed = append(changed, e.pool)
		}
	}
	return changed
}

// reckonCache finds the least that is said of the server's cache.
func (l *Load) reckonCache() {
	least := int64(0)
	for _, s := range l.holders {
		if s.cacheTokens != 0 && (least == 0 || s.cacheTokens < least) {
			least = s.cacheTokens
		}
	}
	l.server.Lock()
	defer l.server.Unlock()
	l.server.DeclareCache(least)
}

// watch switches for each endpoint whether its pool is told of changes.
func (l *Loads) watch(endpoints []*Endpoint, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range endpoints {
		e.load.watch(e, on)
	}
}

// watch is the part of Loads.watch under its lock.
func (l *Load) watch(e *Endpoint, on bool) {
	var now []*Endpoint
	if watchers := l.watchers.Load(); watchers != nil {
		now = *watchers
	}
	if slices.Contains(now, e) == on {
		return
	}
	next := slices.DeleteFunc(slices.Clone(now), func(w *Endpoint) bool { return w == e })
	if on {
		next = append(next, e)
	}
	if len(next) == 0 {
		l.watchers.Store(nil)
		return
	}
	l.watchers.Store(&next)
}

// drop gives back the Loads of endpoints that are no longer members, and forgets each Load
// that nobody holds and that has nothing in flight. One with leases out stays, so that a
// server which returns finds its own count; a later drop forgets it. It returns the pools for
// which the slots of a server have changed.
func (l *Loads) drop(gone []*Endpoint) (changed []*Pool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range gone {
		e.load.watch(e, false)
		delete(e.load.holders, e)
		changed = e.load.reckonSlots(changed)
		e.load.reckonCache()
	}
	for address, load := range l.byAddress {
		if len(load.holders) == 0 && load.InFlight() == 0 {
			delete(l.byAddress, address)
		}
	}
	return changed
}
