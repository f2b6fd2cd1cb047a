package policy

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// drawn picks so often that each expected share must be met within five standard deviations.
func drawn(t *testing.T, p balancer.Picker, r *balancer.Request, shares []float64) {
	t.Helper()
	const picks = 40_000
	had := make([]float64, len(shares))
	for range picks {
		i, ok := p.Pick(r)
		require.True(t, ok)
		had[i]++
	}
	for i, s := range shares {
		assert.InDelta(t, picks*s, had[i], 5*math.Sqrt(picks*s*(1-s)), "requests of endpoint %d", i)
	}
}

func TestRandomDrawsByCapacity(t *testing.T) {
	g := newRig(t, Random(Options{Seed: 5}), []float64{50, 100, 75, 25})
	drawn(t, g.picker, nil, []float64{0.2, 0.4, 0.3, 0.1})
	drawn(t, g.picker, g.without(1), []float64{0, 0.5, 0.375, 0.125})
	g.open(2, false)
	drawn(t, g.picker, nil, []float64{2. / 7, 4. / 7, 0, 1. / 7})
	drawn(t, g.picker, g.without(1), []float64{0, 0.8, 0, 0.2})
	g.open(2, true)
	drawn(t, g.picker, nil, []float64{0.2, 0.4, 0.3, 0.1})
}

// TestRandomMeanResponse holds it to the mean of independent queues, n/(ΣC - T).
func TestRandomMeanResponse(t *testing.T) {
	w := workload{speeds: []float64{50, 100, 75}, rate: 150, requests: 400_000}
	assert.InEpsilon(t, 3/(225-w.rate), simulate(t, Random(Options{Seed: 1}), w).mean, 0.03)
}

func TestChanceIsSeeded(t *testing.T) {
	list := candidates(t, unequal(50))
	sequence := func(p balancer.Picker) (picks []int) {
		for range 40 {
			i, _ := p.Pick(nil)
			picks = append(picks, i)
		}
		return picks
	}
	for name, policy := range map[string]func(Options) balancer.Builder{"random": Random, "two_choices": TwoChoices} {
		t.Run(name, func(t *testing.T) {
			one, other, unseeded := policy(Options{Seed: 9}), policy(Options{Seed: 9}), policy(Options{})
			first := sequence(one.Build(list))
			second := sequence(one.Build(list))
			assert.Equal(t, first, sequence(other.Build(list)), "the first picker of equal seeds")
			assert.NotEqual(t, first, second, "the pickers of one builder")
			assert.Equal(t, second, sequence(other.Build(list)), "the second picker of equal seeds")
			assert.NotEqual(t, sequence(unseeded.Build(list)), sequence(unseeded.Build(list)))
			assert.NotEqual(t, one.Name(), unseeded.Name())
			assert.NotEqual(t, one.Name(), policy(Options{Seed: 8}).Name())

			again := policy(Options{Seed: 9}).Build(list)
			whole := slices.Concat(sequence(again), sequence(again))
			replaced := policy(Options{Seed: 9}).Build(list)
			half := sequence(replaced)
			next := one.Build(list)
			next.Inherit(replaced)
			assert.Equal(t, whole, slices.Concat(half, sequence(next)), "a picker that takes over draws on")
		})
	}
}
