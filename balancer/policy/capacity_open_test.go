package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// openTally follows the shares of those that are open now.
func (g *rig) openTally(capacities []float64) *tally {
	open := make([]float64, len(capacities))
	for i, c := range capacities {
		if !g.closed[i] {
			open[i] = c
		}
	}
	return newTally(open)
}

// TestCapacityAmongTheOpen closes the largest, the smallest, or all but two, before the
// first request.
func TestCapacityAmongTheOpen(t *testing.T) {
	for name, capacities := range vectors {
		n := len(capacities)
		if n < 3 {
			continue
		}
		for _, closed := range [][]int{{0}, {n - 1}, {0, n - 1}} {
			t.Run(name, func(t *testing.T) {
				g := newRig(t, Capacity(CapacityOptions{}), capacities)
				for _, i := range closed {
					g.open(i, false)
				}
				tally := g.openTally(capacities)
				for range 10_000 {
					tally.count(g.pick(nil))
				}
				prefix, window := tally.furthest()
				assert.Less(t, prefix, 1+rounding)
				assert.Less(t, window, 2+rounding)
			})
		}
	}
}

// TestCapacityWhileOthersOpenAndClose changes at random who is open. From each change to
// the next, all that are open are near their shares among themselves: one request, and
// what those that changed took along or brought.
func TestCapacityWhileOthersOpenAndClose(t *testing.T) {
	fleets := maps.Clone(vectors)
	rng := rand.New(rand.NewPCG(1, 1))
	for k := range 30 {
		fleets[fmt.Sprint("drawn ", k)] = unequal(2 + rng.IntN(12))
	}
	for name, capacities := range fleets {
		for _, rebuilt := range []bool{false, true} {
			t.Run(name, func(t *testing.T) { openAndClose(t, capacities, rebuilt) })
		}
	}
}

// openAndClose may have a picker take over before each request.
func openAndClose(t *testing.T, capacities []float64, rebuilt bool) {
	rng := rand.New(rand.NewPCG(1, 1))
	g := newRig(t, Capacity(CapacityOptions{}), capacities)
	tally := g.openTally(capacities)
	for range 4000 {
		if rng.IntN(5) == 0 {
			g.open(rng.IntN(len(capacities)), rng.IntN(2) == 0)
			if prefix, _ := tally.furthest(); tally.total > 0 {
				require.Less(t, prefix, 3.0)
			}
			tally = g.openTally(capacities)
		}
		if rebuilt {
			g.replace(Capacity(CapacityOptions{}))
		}
		if i := g.pick(nil); i != absent {
			tally.count(i)
		}
	}
}

// TestCapacityOpensToNoBurst closes all but one for a long time, and opens them together:
// what they missed is written off.
func TestCapacityOpensToNoBurst(t *testing.T) {
	for name, capacities := range vectors {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, Capacity(CapacityOptions{}), capacities)
			for survivor := range capacities {
				for i := range capacities {
					g.open(i, i == survivor)
				}
				for range 3000 {
					require.Equal(t, survivor, g.pick(nil))
				}
				for i := range capacities {
					g.open(i, true)
				}
				tally := newTally(capacities)
				for range 3000 {
					tally.count(g.pick(nil))
				}
				prefix, window := tally.furthest()
				require.Less(t, prefix, 2.0)
				require.Less(t, window, 2+rounding)
			}
		})
	}
}

// TestCapacityClosedForAMoment closes endpoints for less than the time between two of
// their requests, as one does that has few slots: it costs them no share.
func TestCapacityClosedForAMoment(t *testing.T) {
	for name, capacities := range vectors {
		if len(capacities) < 3 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 1))
			g := newRig(t, Capacity(CapacityOptions{}), capacities)
			tally := newTally(capacities)
			for picks := 0; picks < 20_000; {
				i := rng.IntN(len(capacities))
				for range rng.IntN(3) {
					tally.count(g.pick(nil))
					picks++
				}
				g.open(i, false)
				for range int(0.3 / tally.share[i]) {
					tally.count(g.pick(nil))
					picks++
				}
				g.open(i, true)
			}
			prefix, _ := tally.furthest()
			assert.Less(t, prefix, 5.0, "over 20,000 requests: nothing adds up")
		})
	}
}

// TestCapacityOpenUndoesClose closes and opens between any two requests; nobody notices.
func TestCapacityOpenUndoesClose(t *testing.T) {
	for name, capacities := range vectors {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 1))
			g := newRig(t, Capacity(CapacityOptions{}), capacities)
			tally := newTally(capacities)
			for range 10_000 {
				if i := rng.IntN(len(capacities)); len(capacities) > 1 {
					g.open(i, false)
					g.open(i, true)
				}
				tally.count(g.pick(nil))
			}
			prefix, window := tally.furthest()
			assert.Less(t, prefix, 1+rounding)
			assert.Less(t, window, 2+rounding)
		})
	}
}

// TestCapacityScalesToTheOpen closes and opens one so large that the others' shares are
// lost beside it.
func TestCapacityScalesToTheOpen(t *testing.T) {
	capacities := []float64{1e12, 1, 2, 3}
	g := newRig(t, Capacity(CapacityOptions{}), capacities)
	for range 20 {
		for _, open := range []bool{true, false} {
			g.open(0, open)
			tally := g.openTally(capacities)
			for range 500 {
				tally.count(g.pick(nil))
			}
			prefix, _ := tally.furthest()
			require.Less(t, prefix, 1+1e-6)
		}
	}
}

// TestCapacityLongRunWithClosed rebases as often as 10^10 requests would.
func TestCapacityLongRunWithClosed(t *testing.T) {
	capacities := vectors["falling"]
	g := newRig(t, Capacity(CapacityOptions{}), capacities)
	g.picker.(*schedule).rebaseAfter = 16
	g.open(1, false)
	tally := g.openTally(capacities)
	for range 200_000 {
		tally.count(g.pick(nil))
	}
	prefix, _ := tally.furthest()
	assert.Less(t, prefix, 1+1e-6)
}

// TestCapacityMembershipWhileClosed lets endpoints leave and come back while others are
// closed. Who is open keeps to its share from each change to the next.
func TestCapacityMembershipWhileClosed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		capacities := unequal(4 + rng.IntN(20))
		list := candidates(t, capacities)
		var picker balancer.Picker
		for range 30 {
			var members []balancer.Candidate
			var closed []int
			var open []float64
			for i, c := range list {
				if rng.IntN(4) == 0 {
					continue
				}
				members, open = append(members, c), append(open, capacities[i])
				if rng.IntN(3) == 0 {
					closed, open[len(open)-1] = append(closed, len(open)-1), 0
				}
			}
			if len(closed) == len(members) {
				continue
			}
			next := Capacity(CapacityOptions{}).Build(members)
			next.Inherit(picker)
			for _, i := range closed {
				next.Open(i, false)
			}
			picker = next
			prefix, _ := share(picker, open, 30).furthest()
			require.Less(t, prefix, 3.0)
		}
	}
}

// TestCapacityRefusedAfterPick closes the endpoint that was just picked and picks again
// for the same request, as a pool does whose server others have filled.
func TestCapacityRefusedAfterPick(t *testing.T) {
	capacities := vectors["8,4,2,1"]
	g := newRig(t, Capacity(CapacityOptions{}), capacities)
	for range 2000 {
		i := g.pick(nil)
		g.open(i, false)
		j := g.pick(&balancer.Request{})
		require.NotEqual(t, i, j)
		g.open(i, true)
	}
	tally := newTally(capacities)
	for range 2000 {
		tally.count(g.pick(nil))
	}
	prefix, _ := tally.furthest()
	assert.Less(t, prefix, 3.0, "requests from the share afterwards")
}
