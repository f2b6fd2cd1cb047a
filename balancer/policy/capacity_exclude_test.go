package policy

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

func without(list []balancer.Candidate, indexes ...int) *balancer.Request {
	r := new(balancer.Request)
	for _, i := range indexes {
		r.Exclude = append(r.Exclude, list[i].Endpoint)
	}
	return r
}

// TestCapacityRepeatsKeepShares repeats one request in twenty on another endpoint, as a
// fleet with failures does: repeats count, and the bound holds for all requests together.
func TestCapacityRepeatsKeepShares(t *testing.T) {
	for _, name := range []string{"demo", "equal", "8,4,2,1", "10 and ten 1", "128 and 10"} {
		t.Run(name, func(t *testing.T) {
			capacities := vectors[name]
			list := candidates(t, capacities)
			picker := Capacity(CapacityOptions{}).Build(list)
			rng := rand.New(rand.NewPCG(9, 9))
			tally := newTally(capacities)
			for range 10_000 {
				i, _ := picker.Pick(nil)
				tally.count(i)
				if rng.IntN(20) > 0 {
					continue
				}
				j, ok := picker.Pick(without(list, i))
				require.True(t, ok)
				require.NotEqual(t, i, j)
				tally.count(j)
			}
			prefix, window := tally.furthest()
			assert.Less(t, prefix, 2.0)
			assert.Less(t, window, 3.0)
		})
	}
}

// TestCapacityDeadEndpointOwesNothing lets every request to one endpoint fail and be
// repeated. The others share what is repeated in proportion, and when the endpoint is
// back it is not flooded with what it missed.
func TestCapacityDeadEndpointOwesNothing(t *testing.T) {
	capacities := []float64{6, 3, 2, 1}
	list := candidates(t, capacities)
	picker := Capacity(CapacityOptions{}).Build(list)
	others := newTally(capacities[1:])
	for range 6000 {
		i, _ := picker.Pick(nil)
		if i == 0 {
			i, _ = picker.Pick(without(list, 0))
		}
		others.count(i - 1)
	}
	prefix, _ := others.furthest()
	assert.Less(t, prefix, 2.0, "requests from the share among the others")

	recovered := newTally(capacities)
	for range 6000 {
		i, _ := picker.Pick(nil)
		recovered.count(i)
	}
	prefix, _ = recovered.furthest()
	assert.Less(t, prefix, 2.0+rounding, "requests from the share after the recovery")
}

func TestCapacityExcludes(t *testing.T) {
	list := candidates(t, []float64{5, 3, 2, 1})
	stranger := candidates(t, []float64{1})[0].Endpoint
	tests := map[string]struct {
		request *balancer.Request
		may     []int // nil: nobody
	}{
		"the largest":        {without(list, 0), []int{1, 2, 3}},
		"all but one":        {without(list, 0, 1, 2), []int{3}},
		"all":                {without(list, 3, 2, 1, 0), nil},
		"one twice":          {without(list, 1, 1), []int{0, 2, 3}},
		"no longer a member": {&balancer.Request{Exclude: []*balancer.Endpoint{stranger, nil}}, []int{0, 1, 2, 3}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			picker := Capacity(CapacityOptions{}).Build(list)
			for range 100 {
				i, ok := picker.Pick(test.request)
				require.Equal(t, test.may != nil, ok)
				if ok {
					require.Contains(t, test.may, i)
				}
			}
			seen := map[int]bool{}
			for range 100 {
				i, _ := picker.Pick(nil)
				seen[i] = true
			}
			assert.Len(t, seen, len(list), "endpoints served after the exclusions ended")
		})
	}
}
