// What is in flight at a server, and who is told of changes.

package balancer

import (
	"slices"
	"sync/atomic"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// Load is the work of one server: how many requests are in flight there now, each until the
// end of its stream, and how those that are over have ended. Every method may be called from
// any goroutine.
type Load struct {
	inFlight  atomic.Int64                  // written by Acquire, by the first Release of each lease and by SetElsewhere
	elsewhere atomic.Int64                  // those of inFlight that other processes have; written under Loads.mu
	finished  [classCount]atomic.Uint64     // written by the first Release of each lease
	watchers  atomic.Pointer[[]*Endpoint]   // whose pools are told of changes; the slice is replaced, never written, under Loads.mu
	turn      atomic.Uint32                 // which watcher is told first; written by tell
	holders   map[*Endpoint]said            // the endpoints that point here, and what each was configured with; guarded by Loads.mu
	slots     atomic.Int64                  // the least of those, 0 where none has a limit; written under Loads.mu
	server    *cost.Server                  // has a lock of its own
	_         [cacheLine - 8*loadWords]byte // servers must not share a cache line: each is written per request

	engine engine // read per pick, and hardly ever written
	_      [cacheLine - 8*engineWords]byte
}

const (
	cacheLine   = 128 // two lines of 64 bytes, which x86 fetches in pairs
	loadWords   = 7 + int(classCount)
	engineWords = 4
)

// InFlight returns how many requests the server is working on, for us and for those whom
// SetElsewhere was told of.
func (l *Load) InFlight() int64 { return l.inFlight.Load() }

// Finished returns how many attempts at the server have ended this way since the Load
// was made; 0 for a class that does not exist.
func (l *Load) Finished(class OutcomeClass) uint64 {
	if class >= classCount {
		return 0
	}
	return l.finished[class].Load()
}

func (l *Load) add() { l.inFlight.Add(1) }

// addBelow counts one more request, unless as many as the limit are in flight. It returns
// how many are in flight now.
func (l *Load) addBelow(limit int64) (inFlight int64, added bool) {
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

// remove takes back an add of which nothing came.
func (l *Load) remove() { l.inFlight.Add(-1) }

func (l *Load) finish(class OutcomeClass) {
	if class >= classCount {
		class = Unknown
	}
	l.finished[class].Add(1)
	l.inFlight.Add(-1)
}

// tell lets the pools of all watchers hear how many requests are in flight now. A pool that
// hears of a free slot may give it to one who waits: then the others hear of that as well,
// until all know the last state. Known is the watcher whose pool has made the change, and
// knows of it; nil for a release. At releases another watcher is told first each time, so
// that where requests wait in several pools each pool gets its part of the slots. The caller
// holds no lock.
func (l *Load) tell(known *Endpoint) {
	if watchers := l.watchers.Load(); watchers != nil {
		l.tellAll(*watchers, known)
	}
}

// tellAll is the rest of tell: apart, so that tell is inlined, and costs nothing where nobody watches.
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
		if e.pool.hear(e) {
			knowing = 0
		}
		knowing++
	}
}
