// Whether the forecast is worth its servers.

package autoscale

import (
	"math"
	"slices"
	"time"
)

// trust holds what was foretold for the end of a start against what came then. A forecast gains where work rises as it said, and it
// wastes servers where it asks for more than was there and than comes. One that is no better than what is seen anyhow does not gain.
type trust struct {
	claims      []claim // oldest first
	gain, waste float64 // servers' worth of work, of late
	last        time.Time
}

// claim is what was foretold for a time, and what was to be done when it was foretold.
type claim struct {
	due            time.Time
	foretold, then float64
}

const (
	claimEvery = 30 * time.Second
	mostClaims = 64
	trustFades = 2 * time.Hour // what is as old counts for a third
)

// look takes in what is to be done now, and what is foretold for when a replica that is started now is ready.
func (t *trust) look(now time.Time, level, foretold float64, lead time.Duration) {
	passed := now.Sub(t.last)
	if !known(level) || !known(foretold) || !t.last.IsZero() && passed < claimEvery {
		return
	}
	if !t.last.IsZero() {
		keep := math.Exp(-float64(passed) / float64(trustFades))
		t.gain, t.waste = t.gain*keep, t.waste*keep
	}
	t.last = now
	due := slices.IndexFunc(t.claims, func(c claim) bool { return c.due.After(now) })
	if due < 0 {
		due = len(t.claims)
	}
	for _, c := range t.claims[:due] {
		t.gain += max(min(c.foretold, level)-c.then, 0)
		t.waste += max(c.foretold-max(level, c.then), 0)
	}
	if t.claims = slices.Delete(t.claims, 0, due); len(t.claims) < mostClaims {
		t.claims = append(t.claims, claim{now.Add(lead + stableWindow/2), foretold, level}) // what is to be done is seen so late
	}
}

// worth says whether what it has gained of late is as much as what it has wasted. One that nothing is known of is trusted.
func (t *trust) worth() bool { return t.gain >= t.waste }
