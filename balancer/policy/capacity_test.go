package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// vectors are sets of capacities that are known to make weighted round robins clump.
var vectors = map[string][]float64{
	"one":              {3},
	"equal":            {1, 1, 1},
	"demo":             {100, 200, 150},
	"5,1,1":            {5, 1, 1},
	"8,4,2,1":          {8, 4, 2, 1},
	"10 and ten 1":     append([]float64{10}, group(10, 1)...),
	"100 and twenty 1": append([]float64{100}, group(20, 1)...),
	"falling":          {50, 30, 10, 5, 3, 1, 1},
	"128 and 10":       append(group(3, 128), group(10, 10)...),
	"1:1000":           {1, 1000},
	"real":             {math.Pi, math.E, 1.0 / 3, 0.1, math.Sqrt2},
	"wide":             {1e-3, 1, 1e3},
}

// share picks so often and returns the tally.
func share(picker balancer.Picker, capacities []float64, requests int) *tally {
	t := newTally(capacities)
	for range requests {
		i, _ := picker.Pick(nil)
		t.count(i)
	}
	return t
}

func TestCapacitySharesExactly(t *testing.T) {
	for name, capacities := range vectors {
		t.Run(name, func(t *testing.T) {
			prefix, window := share(Capacity(CapacityOptions{}).Build(candidates(t, capacities)), capacities, 20_000).furthest()
			assert.Less(t, prefix, 1+rounding, "requests from the share at some prefix")
			assert.Less(t, window, 2+rounding, "requests from the share in some window")
		})
	}
}

// TestCapacitySimulation shares among random fleets of up to 1,000 endpoints with small
// whole, spread out, and arbitrary real capacities.
func TestCapacitySimulation(t *testing.T) {
	draw := map[string]func(*rand.Rand) float64{
		"whole": func(rng *rand.Rand) float64 { return float64(1 + rng.IntN(10)) },
		"wide":  func(rng *rand.Rand) float64 { return math.Exp(3 * rng.NormFloat64()) },
		"real":  func(rng *rand.Rand) float64 { return math.Nextafter(rng.Float64(), 1) },
		"two":   func(rng *rand.Rand) float64 { return []float64{1, 1000}[rng.IntN(2)] },
	}
	for kind, capacity := range draw {
		for _, most := range []int{4, 30, 1000} {
			t.Run(fmt.Sprintf("%s up to %d", kind, most), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(most), 1))
				for range 12 {
					capacities := make([]float64, 1+rng.IntN(most))
					for i := range capacities {
						capacities[i] = capacity(rng)
					}
					prefix, window := share(Capacity(CapacityOptions{}).Build(candidates(t, capacities)), capacities, 12_000).furthest()
					require.Less(t, prefix, 1+rounding, "capacities %v", capacities)
					require.Less(t, window, 2+rounding, "capacities %v", capacities)
				}
			})
		}
	}
}

// TestCapacityNeverClumps holds what a user would see: who is small is not left to the
// end, and who is large is not served in one go.
func TestCapacityNeverClumps(t *testing.T) {
	capacities := vectors["10 and ten 1"]
	picker := Capacity(CapacityOptions{}).Build(candidates(t, capacities))
	run, longest := 0, 0
	for range 20 * 20 {
		if i, _ := picker.Pick(nil); i != 0 {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	assert.LessOrEqual(t, longest, 2, "requests in a row for an endpoint of half the capacity")
}

// TestCapacityExtremes shares among capacities whose sum overflows, whose ratio
// underflows, and which are the smallest there are.
func TestCapacityExtremes(t *testing.T) {
	tests := map[string]struct {
		capacities []float64
		want       []float64 // requests of 3,000
	}{
		"sum overflows":    {[]float64{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64}, []float64{1000, 1000, 1000}},
		"smallest":         {[]float64{math.SmallestNonzeroFloat64, 2 * math.SmallestNonzeroFloat64}, []float64{1000, 2000}},
		"ratio underflows": {[]float64{math.SmallestNonzeroFloat64, math.MaxFloat64}, []float64{0, 3000}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			picker := Capacity(CapacityOptions{}).Build(candidates(t, test.capacities))
			had := make([]float64, len(test.capacities))
			for range 3000 {
				i, ok := picker.Pick(nil)
				require.True(t, ok)
				had[i]++
			}
			assert.InDeltaSlice(t, test.want, had, 1+rounding)
		})
	}
}

// TestCapacityLongRun rebases as often as 3·10^10 requests would, and still shares exactly.
func TestCapacityLongRun(t *testing.T) {
	for _, name := range []string{"demo", "real", "1:1000", "100 and twenty 1"} {
		t.Run(name, func(t *testing.T) {
			picker := Capacity(CapacityOptions{}).Build(candidates(t, vectors[name]))
			picker.(*schedule).rebaseAfter = 16
			prefix, window := share(picker, vectors[name], 500_000).furthest()
			assert.Less(t, prefix, 1+rounding)
			assert.Less(t, window, 2+rounding)
		})
	}
}

// TestCapacityRandomStart starts in the middle of a schedule: other beginnings, same
// bound in any window.
func TestCapacityRandomStart(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var beginnings []string
	for range 40 {
		capacities := vectors["falling"]
		picker := Capacity(CapacityOptions{Start: rng.Uint64}).Build(candidates(t, capacities))
		tally := newTally(capacities)
		var first []int
		for n := range 2000 {
			i, _ := picker.Pick(nil)
			tally.count(i)
			if n < 8 {
				first = append(first, i)
			}
		}
		beginnings = append(beginnings, fmt.Sprint(first))
		_, window := tally.furthest()
		require.Less(t, window, 2+rounding)
	}
	slices.Sort(beginnings)
	assert.Greater(t, len(slices.Compact(beginnings)), 10, "of 40 pickers that start at random")
}
