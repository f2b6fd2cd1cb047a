// Asking whether a request may come in.

package admission

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// Reason is why a request is turned away.
type Reason uint8

// The reasons.
const (
	Admitted     Reason = iota
	ManyRequests        // as many are under way as may be
	LittleMemory        // as much memory is in use as may be
)

// Guard counts the requests under way. The zero Guard is ready, and safe for concurrent use.
type Guard struct {
	requests atomic.Int64                   // under way
	others   atomic.Int64                   // under way at other gateways that share the limits; written by SetElsewhere
	gateways atomic.Int64                   // how many share them, this one included; 0 and 1: nobody else does; likewise
	memory   atomic.Int64                   // in use when it was last measured; written by Run
	turned   [LittleMemory + 1]atomic.Int64 // away, by reason; written by Enter
}

// Enter lets a request in, which Leave must then end, or says why it may not come in.
func (g *Guard) Enter(c Class) Reason {
	if c.Memory > 0 && g.memory.Load() >= c.Memory {
		g.turned[LittleMemory].Add(1)
		return LittleMemory
	}
	if n := g.requests.Add(1); c.Requests > 0 && n+g.others.Load() > c.Requests && !g.hasPart(n, c.Requests) {
		g.requests.Add(-1)
		g.turned[ManyRequests].Add(1)
		return ManyRequests
	}
	return Admitted
}

// Unknown is what others have under way while nobody can say.
const Unknown = math.MaxInt64 / 2

// SetElsewhere tells how many gateways share our limits, this one included, and how many requests the others have under way.
// Each takes what the others leave, and at least its part, however much they have: else who has none would never get any.
func (g *Guard) SetElsewhere(gateways int, requests int64) {
	g.gateways.Store(int64(gateways))
	g.others.Store(requests)
}

// hasPart reports whether so many are within this gateway's part of a limit that it shares.
func (g *Guard) hasPart(n, limit int64) bool {
	gateways := g.gateways.Load()
	return gateways > 1 && n <= Part(limit, gateways)
}

// OfClient is how much of a limit on one client's address this gateway may give, which does not know what the others give it.
func (g *Guard) OfClient(limit int64) int64 {
	if gateways := g.gateways.Load(); gateways > 1 && limit > 0 {
		return Part(limit, gateways)
	}
	return limit
}

// Part is the part of a limit that each of so many gateways has at least: rounded up, so that none has nothing.
func Part(limit, gateways int64) int64 { return (limit-1)/gateways + 1 }

// Leave ends a request that was let in.
func (g *Guard) Leave() { g.requests.Add(-1) }

// Turned is how many requests were ever turned away for a reason.
func (g *Guard) Turned(why Reason) int64 { return g.turned[why].Load() }

// Requests is how many are under way.
func (g *Guard) Requests() int64 { return g.requests.Load() }

// Memory is how many bytes were in use when that was last measured; 0 before.
func (g *Guard) Memory() int64 { return g.memory.Load() }

// measureEvery is how often memory is measured. A client needs longer to fill the part of it
// that is left between two classes.
const measureEvery = 100 * time.Millisecond

// Run measures the memory in use until ctx ends.
func (g *Guard) Run(ctx context.Context, inUse func() int64) error {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		g.memory.Store(inUse())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
