package policy

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTwoChoicesDrawsTwo has nothing in flight, so that the larger of each pair is picked:
// the pairs must be as likely as two draws in proportion, without the first one's return.
func TestTwoChoicesDrawsTwo(t *testing.T) {
	capacities := []float64{50, 100, 75, 25}
	p := []float64{0.2, 0.4, 0.3, 0.1}
	shares := make([]float64, len(p))
	for i := range p {
		for j := range p {
			if i == j {
				continue
			}
			pair := p[i] * p[j] / (1 - p[i])
			if p[i] > p[j] {
				shares[i] += pair
			} else {
				shares[j] += pair
			}
		}
	}
	drawn(t, TwoChoices(Options{Seed: 5}).Build(candidates(t, capacities)), nil, shares)
}

// TestTwoChoicesAreTwo holds the second draw apart from the first even where that is
// nearly sure to come again.
func TestTwoChoicesAreTwo(t *testing.T) {
	g := newRig(t, TwoChoices(Options{Seed: 1}), []float64{1e9, 1})
	g.inFlight[0] = 1e10
	g.tell(0)
	for range 5 {
		assert.Equal(t, 1, g.pick(nil))
	}
	g.open(1, false)
	assert.Equal(t, 0, g.pick(nil), "one is better than none")
	assert.Equal(t, absent, g.pick(g.without(1)))
	g.open(1, true)
	assert.Equal(t, 0, g.pick(g.without(2)))
}

func TestTwoChoicesTies(t *testing.T) {
	g := newRig(t, TwoChoices(Options{Seed: 1}), []float64{100, 300})
	g.inFlight[1] = 1 // (1+½)/300 = ½/100
	g.tell(1)
	for range 50 {
		i, _ := g.picker.Pick(nil)
		assert.Equal(t, 1, i, "a tie goes to the larger")
	}
	drawn(t, TwoChoices(Options{Seed: 1}).Build(candidates(t, []float64{1, 1})), nil, []float64{0.5, 0.5})
}

// TestTwoChoicesMeanResponse places the policy between looking at nobody and at everybody,
// and holds that it carries nine tenths of a fleet's capacity where even draws would carry
// four: with five small endpoints of ten a pair is small too often.
func TestTwoChoicesMeanResponse(t *testing.T) {
	for _, test := range []struct {
		speeds []float64
		rate   float64
	}{
		{[]float64{50, 100, 75}, 150},
		{append(group(5, 1), group(5, 10)...), 0.9 * 55},
	} {
		w := workload{speeds: test.speeds, rate: test.rate, requests: 100_000}
		two := simulate(t, TwoChoices(Options{Seed: 1}), w).mean
		assert.Less(t, simulate(t, LeastLoad(), w).mean, two)
		assert.Less(t, two, 0.85*simulate(t, Capacity(CapacityOptions{}), w).mean)
	}
}

// TestTwoChoicesOfBlindBalancers is what the policy is for: eight balancers that see only
// their own requests run after the same large endpoints if they look at all of them.
// Where all are equally large, turns keep them apart, and least_load is as good.
func TestTwoChoicesOfBlindBalancers(t *testing.T) {
	mixed := append(group(10, 1), group(10, 3)...)
	for load, most := range map[float64]float64{0.67: 0.95, 0.82: 0.75} {
		w := workload{speeds: mixed, rate: 40 * load, requests: 60_000, balancers: 8}
		assert.Less(t, simulate(t, TwoChoices(Options{Seed: 1}), w).mean, most*simulate(t, LeastLoad(), w).mean, "load %v", load)
		w = workload{speeds: group(20, 1), rate: 20 * load, requests: 60_000, balancers: 8}
		assert.InEpsilon(t, simulate(t, TwoChoices(Options{Seed: 1}), w).mean, simulate(t, LeastLoad(), w).mean, 0.1, "equal, load %v", load)
	}
}
