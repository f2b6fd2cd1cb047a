// The right to act for all.

package shared

import (
	"context"
	"slices"
	"time"
)

const (
	// TTL is how long a lease lasts that is not confirmed.
	TTL = 5 * time.Second
	// keepEvery is how often a lease is confirmed.
	keepEvery = time.Second
	// slack is by how much the clocks of two machines may differ over one TTL.
	slack = TTL / 10
)

// Keeper keeps leases in a store, by the store's own clock.
type Keeper interface {
	// Keep asks for a lease, or confirms it. It returns who has it, and the fence: a number that grows with each
	// new holder and is above floor.
	Keep(ctx context.Context, lease, id string, ttl time.Duration, floor uint64) (holder string, fence uint64, err error)
	// Drop gives a lease back that id has.
	Drop(ctx context.Context, lease, id string) error
}

// lease is one right, as this gateway knows it. The gateway's mu guards it.
type lease struct {
	name  string
	until time.Time // it is ours until then; past: it is not
	fence uint64
	last  bool   // we were the last that is known to have had it
	vote  string // of whom we say that it may have it, where no store does
	voted time.Time
}

func (l *lease) held(now time.Time) bool { return now.Before(l.until) }

// claimed says whether another gateway that was heard within TTL has a lease, and with what fence.
func (ms *members) claimed(lease string, now time.Time) (id string, fence uint64) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for who, m := range ms.all {
		if now.Sub(m.heard) >= TTL || m.page.Leaves {
			continue
		}
		i := slices.IndexFunc(m.page.Leases, func(c claim) bool { return c.Name == lease })
		if i >= 0 && (id == "" || m.page.Leases[i].Fence > fence) {
			id, fence = who, m.page.Leases[i].Fence
		}
	}
	return id, fence
}

// fence is the highest that any member has seen.
func (ms *members) fence() (highest uint64) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for _, m := range ms.all {
		highest = max(highest, m.page.Fence)
	}
	return highest
}

// keep confirms our leases, and asks for those that nobody has.
func (g *Gateway) keep(ctx context.Context) {
	for _, l := range g.leases {
		now := time.Now()
		other, theirs := g.members.claimed(l.name, now)
		if !g.mayHold(l, other, theirs, now) {
			continue
		}
		if g.keeper == nil {
			g.count(l, now)
			continue
		}
		holder, fence, err := g.keeper.Keep(ctx, l.name, g.id, TTL, max(g.seenFence(), g.members.fence()))
		g.settleLease(l, holder, fence, err, now)
	}
}

// mayHold says whether a lease may be ours now. It is not taken before all who could have it were heard for a whole TTL,
// and not while another has it; of two who have it, by whatever fault, the one with the lower fence loses it at once.
func (g *Gateway) mayHold(l *lease, other string, theirs uint64, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := l.held(now)
	if other != "" {
		l.last = false
		if held && theirs > l.fence || !held {
			l.until = time.Time{}
		}
	}
	if other != "" && !l.held(now) {
		return g.keeper == nil // its vote is still needed
	}
	return held || g.keeper == nil || !g.touched.IsZero() && now.Sub(g.touched) >= TTL
}

// settleLease notes what the store has said to a question that was asked at a time.
func (g *Gateway) settleLease(l *lease, holder string, fence uint64, err error, asked time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err != nil: // it runs out by itself
	case holder == g.id:
		l.until, l.fence, l.last = asked.Add(TTL-slack), fence, true
		g.highest = max(g.highest, fence)
	default:
		l.until, l.last = time.Time{}, false
	}
}

// Holds says whether this gateway may act for all in what a lease is about. It never waits. Who asks acts within
// a moment, and asks again for each action.
func (g *Gateway) Holds(name string) bool {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.leases {
		if l.name == name {
			return l.held(now)
		}
	}
	panic("BUG: no lease is named " + name)
}

// HeldLast says whether this gateway has a lease, or had it when the others could last be heard.
func (g *Gateway) HeldLast(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.leases, func(l *lease) bool { return l.name == name && l.last })
}

func (g *Gateway) seenFence() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.highest
}

// claims are the leases that we have. The caller holds mu.
func (g *Gateway) claims(now time.Time) (list []claim) {
	for _, l := range g.leases {
		if l.held(now) {
			list = append(list, claim{l.name, l.fence})
		}
	}
	return list
}
