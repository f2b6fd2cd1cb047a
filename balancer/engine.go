// What a server's engine says of itself, for policies that go by it.

package balancer

import (
	"math"
	"sync/atomic"
)

// engine is what is known of a server from its own words. Each field is written by the method
// of Load that is named, once in a while, and read at each pick.
type engine struct {
	waiting, running atomic.Uint64 // bits of float64s; SetForeign
	cacheTokens      atomic.Int64  // SetCacheTokens
	starts           atomic.Uint32 // Restarted
}

// SetForeign tells how many requests others have at the server: gateways and batch jobs that
// this process does not know. Waiting are those whose prompts have not been read, running
// those in its batch. What is not a number above zero is none. They hold no slots.
func (l *Load) SetForeign(waiting, running float64) {
	l.engine.waiting.Store(math.Float64bits(countOf(waiting)))
	l.engine.running.Store(math.Float64bits(countOf(running)))
}

// Foreign returns what SetForeign was told last.
func (l *Load) Foreign() (waiting, running float64) {
	return math.Float64frombits(l.engine.waiting.Load()), math.Float64frombits(l.engine.running.Load())
}

func countOf(n float64) float64 {
	if n > 0 && !math.IsInf(n, 1) {
		return n
	}
	return 0
}

// SetCacheTokens tells for how many tokens the server's cache has room; 0: it is not known.
func (l *Load) SetCacheTokens(n int64) {
	if l.engine.cacheTokens.Swap(max(n, 0)) != max(n, 0) {
		l.server.Lock()
		defer l.server.Unlock()
		l.server.ReportCache(n)
	}
}

// CacheTokens returns what SetCacheTokens was told last.
func (l *Load) CacheTokens() int64 { return l.engine.cacheTokens.Load() }

// Restarted tells that the server has lost what it had in its cache, so that nobody reckons with
// it. How fast it works is as before.
func (l *Load) Restarted() {
	l.engine.starts.Add(1)
	l.lost()
}

// lost forgets what the server had in its cache.
func (l *Load) lost() {
	l.server.Lock()
	defer l.server.Unlock()
	l.server.Forget()
}

// Starts returns a number that Restarted changes.
func (l *Load) Starts() uint32 { return l.engine.starts.Load() }
