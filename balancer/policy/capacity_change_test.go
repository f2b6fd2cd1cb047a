package policy

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// succeed builds a picker over the candidates that takes over from the old one.
func succeed(old balancer.Picker, list []balancer.Candidate) balancer.Picker {
	next := Capacity(CapacityOptions{}).Build(slices.Clone(list))
	next.Inherit(old)
	return next
}

// drift adds up how far endpoints are from shares that change on the way.
type drift struct{ now, low, top []float64 }

func newDrift(n int) *drift {
	return &drift{now: make([]float64, n), low: make([]float64, n), top: make([]float64, n)}
}

func (d *drift) count(picked int, capacities []float64) {
	sum := 0.0
	for _, c := range capacities {
		sum += c
	}
	for i, c := range capacities {
		d.now[i] -= c / sum
		if i == picked {
			d.now[i]++
		}
		d.low[i], d.top[i] = min(d.low[i], d.now[i]), max(d.top[i], d.now[i])
	}
}

// window is the furthest any endpoint was from its share over any stretch of requests.
func (d *drift) window() float64 {
	w := 0.0
	for i := range d.now {
		w = max(w, d.top[i]-d.low[i])
	}
	return w
}

// TestCapacityRebuiltForEachRequest is the worst of restless fleets: a picker that began
// anew would give every request to the largest endpoint.
func TestCapacityRebuiltForEachRequest(t *testing.T) {
	for name, capacities := range vectors {
		t.Run(name, func(t *testing.T) {
			list := candidates(t, capacities)
			picker := Capacity(CapacityOptions{}).Build(list)
			tally := newTally(capacities)
			for range 3000 {
				i, _ := picker.Pick(nil)
				tally.count(i)
				picker = succeed(picker, list)
			}
			prefix, window := tally.furthest()
			assert.Less(t, prefix, 1+rounding)
			assert.Less(t, window, 2+rounding)
		})
	}
}

// TestCapacityOfOneChanges changes one capacity now and then: the shares, old and new,
// add up across every change.
func TestCapacityOfOneChanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		capacities := unequal(2 + rng.IntN(40))
		list := candidates(t, capacities)
		picker := Capacity(CapacityOptions{}).Build(list)
		drift := newDrift(len(capacities))
		for range 2000 {
			if rng.IntN(50) == 0 {
				i := rng.IntN(len(list))
				capacities[i] = math.Exp(2 * rng.NormFloat64())
				list[i].Capacity = capacities[i]
				picker = succeed(picker, list)
			}
			i, _ := picker.Pick(nil)
			drift.count(i, capacities)
		}
		require.Less(t, drift.window(), 2.5, "2 while nothing changes, and what changes displace")
	}
}

// TestCapacityMembershipChanges lets one endpoint leave in the middle of a schedule, and
// come back: the others go on from where they are.
func TestCapacityMembershipChanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		capacities := unequal(3 + rng.IntN(20))
		list := candidates(t, capacities)
		leaver := len(list) - 1
		picker := Capacity(CapacityOptions{}).Build(list)
		drift := newDrift(leaver)
		pick := func(in []float64) {
			i, _ := picker.Pick(nil)
			sum := 0.0
			for _, c := range in {
				sum += c
			}
			for j := range leaver {
				drift.now[j] -= in[j] / sum
				if i == j {
					drift.now[j]++
				}
				drift.low[j], drift.top[j] = min(drift.low[j], drift.now[j]), max(drift.top[j], drift.now[j])
			}
		}
		for range 100 + rng.IntN(100) {
			pick(capacities)
		}
		picker = succeed(picker, list[:leaver])
		for range 100 + rng.IntN(100) {
			pick(capacities[:leaver])
		}
		picker = succeed(picker, list)
		for range 200 {
			pick(capacities)
		}
		require.Less(t, drift.window(), 3.0, "2, and at most the one request the leaver takes along")
	}
}

// TestCapacityMassDeparture takes out, at once, every endpoint that is ahead of its share,
// but the largest. What they take along must not be left as a debt to the small ones, or
// the largest would wait until all of it is paid.
func TestCapacityMassDeparture(t *testing.T) {
	capacities := append([]float64{10}, group(20, 1)...)
	list := candidates(t, capacities)
	for picks := range 30 {
		picker := Capacity(CapacityOptions{}).Build(list)
		for range picks {
			picker.Pick(nil)
		}
		var rest []balancer.Candidate
		var left []float64
		p := picker.(*schedule)
		for i, a := range p.accounts {
			if i == 0 || a.aheadAt(p.turn) <= 0 {
				rest, left = append(rest, list[i]), append(left, capacities[i])
			}
		}
		prefix, window := share(succeed(picker, rest), left, 500).furthest()
		assert.Less(t, prefix, 2.0, "after %d requests", picks)
		assert.Less(t, window, 2+rounding, "after %d requests", picks)
	}
}

// TestCapacityNewcomersWaitTheirTurn adds many endpoints at once: they do not push in
// front of those that are owed a request.
func TestCapacityNewcomersWaitTheirTurn(t *testing.T) {
	capacities := group(30, 1)
	list := candidates(t, capacities)
	picker := Capacity(CapacityOptions{}).Build(list[:5])
	for range 3 {
		picker.Pick(nil)
	}
	before := map[int]bool{0: true, 1: true, 2: true, 3: true, 4: true}
	had := map[int]bool{}
	for i := range before {
		had[i] = picker.(*schedule).accounts[i].had > 0
	}
	picker = succeed(picker, list)
	for range 2 {
		i, _ := picker.Pick(nil)
		assert.True(t, before[i] && !had[i], "picked %d, which is not one of the two that were owed a request", i)
	}
}

// TestCapacityInheritsOnlyItsOwn ignores a predecessor of another policy, and none.
func TestCapacityInheritsOnlyItsOwn(t *testing.T) {
	capacities := vectors["demo"]
	for _, predecessor := range []balancer.Picker{nil, foreign{}} {
		picker := Capacity(CapacityOptions{}).Build(candidates(t, capacities))
		picker.Inherit(predecessor)
		prefix, _ := share(picker, capacities, 900).furthest()
		assert.Less(t, prefix, 1+rounding)
	}
}

type foreign struct{}

func (foreign) Pick(*balancer.Request) (int, bool) { return 0, true }
func (foreign) Open(int, bool)                     {}
func (foreign) Inherit(balancer.Picker)            {}
