package balancer

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Load is the work of one server: what is in flight there now, counted to the end of
// the stream, and how what is over has ended. Every method may be called from any
// goroutine.
type Load struct {
	inFlight atomic.Int64                  // written by Acquire and by the first Release of each lease
	finished [classCount]atomic.Uint64     // written by the first Release of each lease
	watchers atomic.Pointer[[]*Endpoint]   // whose pools are told of changes; the slice is replaced, never written, under Loads.mu
	turn     atomic.Uint32                 // which watcher is told first; written by tell
	holders  int                           // endpoints that point here; guarded by Loads.mu
	_        [cacheLine - 8*loadWords]byte // servers must not share a cache line: each is written per request
}

const (
	cacheLine = 128 // two lines of 64 bytes, which x86 fetches in pairs
	loadWords = 4 + int(classCount)
)

// InFlight returns how many requests the server is working on for us.
func (l *Load) InFlight() int64 { return l.inFlight.Load() }

// Finished returns how many attempts at the server have ended this way since the Load
// was made; 0 for a class that does not exist.
func (l *Load) Finished(class OutcomeClass) uint64 {
	if class >= classCount {
		return 0
	}
	return l.finished[class].Load()
}

func (l *Load) begin() { l.inFlight.Add(1) }

// beginBelow counts one more request unless as many as the limit are in flight. It
// returns how many are.
func (l *Load) beginBelow(limit int64) (inFlight int64, began bool) {
	for {
		n := l.inFlight.Load()
		if n >= limit {
			return n, false
		}
		if l.inFlight.CompareAndSwap(n, n+1) {
			return n + 1, true
		}
	}
}

// cancel takes back a begin of which nothing came.
func (l *Load) cancel() { l.inFlight.Add(-1) }

func (l *Load) finish(class OutcomeClass) {
	if class >= classCount {
		class = Unknown
	}
	l.finished[class].Add(1)
	l.inFlight.Add(-1)
}

// tell lets the pools of all watchers look at what is in flight now, until each has seen
// what came of it: where requests wait, a pool that looks may give them the slot. Known is
// the watcher whose pool has made the change and knows of it, or nil for a release. At
// releases the watchers take turns at being first, so that of several pools with requests
// waiting for the server each gets its part of the slots. The caller holds no lock.
func (l *Load) tell(known *Endpoint) {
	if watchers := l.watchers.Load(); watchers != nil {
		l.tellAll(*watchers, known)
	}
}

// tellAll is tell, apart so that servers nobody watches cost no call.
func (l *Load) tellAll(all []*Endpoint, known *Endpoint) {
	next, knowing := slices.Index(all, known)+1, 1 // how many know, up to the one before next
	if next == 0 {
		knowing = 0
		if len(all) > 1 {
			next = int(l.turn.Add(1) % uint32(len(all)))
		}
	}
	for ; knowing < len(all); next++ {
		e := all[next%len(all)]
		if e.pool.look(e) {
			knowing = 0
		}
		knowing++
	}
}

// Loads has the Load of each server by its address. Pools and generations share one, so
// that a server named by two upstreams, or kept over a reload, is counted once.
type Loads struct {
	mu        sync.Mutex       // guards byAddress and every Load's holders; taken on membership changes only
	byAddress map[string]*Load // written under mu
}

// NewLoads returns an empty set.
func NewLoads() *Loads { return &Loads{byAddress: make(map[string]*Load)} }

// hold returns the server's Load and keeps it until drop is called as often as hold.
func (l *Loads) hold(address string) *Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	load := l.byAddress[address]
	if load == nil {
		load = new(Load)
		l.byAddress[address] = load
	}
	load.holders++
	return load
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

// drop gives back the Loads of endpoints that are no longer members, and forgets those
// that nobody holds and that have nothing in flight. One that still has leases out stays,
// so that a server which returns meets its own count; it is forgotten by a later drop.
func (l *Loads) drop(gone []*Endpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range gone {
		e.load.watch(e, false)
		e.load.holders--
	}
	for address, load := range l.byAddress {
		if load.holders == 0 && load.InFlight() == 0 {
			delete(l.byAddress, address)
		}
	}
}
