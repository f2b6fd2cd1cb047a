// Leases where there is no store: who has the votes of most gateways.

package shared

import (
	"slices"
	"time"
)

// voteTime is how long a vote counts that was heard. It is so much less than TTL that a vote is never given to another
// while it counts.
const voteTime = TTL / 2

// count gives our own vote, and takes the lease if more than half of all gateways, known or not, vote for us. Two majorities
// have a voter in common, and nobody votes for another before TTL is over. So two gateways have a
// lease at once only if they are told of different numbers of gateways.
func (g *Gateway) count(l *lease, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	heard := []time.Time{}
	if g.voteFor(l, now) == g.id {
		heard = append(heard, now)
	}
	highest := uint64(0)
	g.members.mu.Lock()
	for _, m := range g.members.live(now) {
		if m.page.Votes[l.name] == g.id {
			heard = append(heard, m.heard)
		}
		highest = max(highest, m.page.Fence)
	}
	g.members.mu.Unlock()
	enough := g.Gateways()/2 + 1
	if len(heard) < enough {
		return // what is held runs out by itself
	}
	slices.SortFunc(heard, func(a, b time.Time) int { return b.Compare(a) })
	until := heard[enough-1].Add(voteTime)
	if !now.Before(until) {
		return
	}
	if !l.held(now) {
		g.highest = max(g.highest, highest) + 1
		l.fence = g.highest
	}
	l.until, l.last = until, true
}

// voteFor is whom we vote for. A vote stays while whoever has it claims the lease, and TTL beyond; then it goes to the
// lowest name that is heard. Who has just begun does not vote: it may have, for another. The caller holds mu.
func (g *Gateway) voteFor(l *lease, now time.Time) string {
	if g.touched.IsZero() || now.Sub(g.touched) < TTL {
		return ""
	}
	claims := l.vote == g.id && l.held(now)
	g.members.mu.Lock()
	defer g.members.mu.Unlock()
	if m := g.members.all[l.vote]; m != nil && slices.ContainsFunc(m.page.Leases, func(c claim) bool { return c.Name == l.name }) {
		claims = claims || now.Sub(m.heard) < TTL
		if m.heard.After(l.voted) {
			l.voted = m.heard
		}
		if m.page.Leaves {
			claims, l.voted = false, time.Time{}
		}
	}
	if claims || l.vote != "" && now.Sub(l.voted) < TTL {
		return l.vote
	}
	lowest := g.id
	for _, m := range g.members.live(now) {
		if identity(m.page.Name, m.page.Epoch) < lowest {
			lowest = m.page.id()
		}
	}
	l.vote, l.voted = lowest, now
	return lowest
}
