package policy

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// leastByScan looks at every candidate, in exact arithmetic.
func leastByScan(g *rig, r *balancer.Request) int {
	least := absent
	var lowest big.Rat
	for i, c := range g.list {
		if !g.may(i, r) {
			continue
		}
		load := big.NewRat(2*g.inFlight[i]+1, 2)
		load.Quo(load, new(big.Rat).SetFloat64(c.Capacity))
		if least != absent {
			order := load.Cmp(&lowest)
			other := g.list[least].Capacity
			if order > 0 || order == 0 && (c.Capacity < other || c.Capacity == other && g.last[i] >= g.last[least]) {
				continue
			}
		}
		least = i
		lowest.Set(load)
	}
	return least
}

func TestLeastLoadPicks(t *testing.T) {
	tests := map[string]struct {
		capacities []float64
		inFlight   []int64
		want       int
	}{
		"idle: the largest":                {[]float64{50, 100, 75}, []int64{0, 0, 0}, 1},
		"idle and equal: the first first":  {[]float64{1, 1, 1}, []int64{0, 0, 0}, 0},
		"idle but slow beats a short wait": {[]float64{50, 100}, []int64{0, 1}, 0},
		"not if it is slower than that":    {[]float64{30, 100}, []int64{0, 1}, 1},
		"a tie goes to the largest":        {[]float64{100, 300, 500}, []int64{0, 1, 2}, 2},
		"a tie that is not a round number": {[]float64{0.1, 0.3}, []int64{5, 16}, 1},
		"by capacity, not by number":       {[]float64{1, 10}, []int64{1, 9}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, LeastLoad(), test.capacities)
			for i, n := range test.inFlight {
				g.inFlight[i] = n
				g.tell(i)
			}
			assert.Equal(t, test.want, g.pick(nil))
		})
	}
}

// TestLeastLoadAgainstScan holds every pick of random histories against a linear scan.
func TestLeastLoadAgainstScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, n := range []int{1, 2, 3, 17, 60} {
		capacities := make([]float64, n)
		for i := range capacities {
			capacities[i] = float64(1+rng.IntN(4)) * 25 // few, so that many tie
		}
		g := newRig(t, LeastLoad(), capacities)
		g.expect = leastByScan
		steps := make([]byte, 4000)
		for i := range steps {
			steps[i] = byte(rng.Uint32())
		}
		g.run(steps, []balancer.Builder{LeastLoad()})
	}
}

// TestLeastLoadTakesTurnsAmongEquals: an idle fleet of equal servers is shared like round
// robin, one after the other, also over a rebuild; a larger one goes before them.
func TestLeastLoadTakesTurnsAmongEquals(t *testing.T) {
	g := newRig(t, LeastLoad(), []float64{1, 1, 1, 1})
	var had []int
	for n := range 10 {
		if n == 5 {
			g.replace(LeastLoad()) // a reload
		}
		i := g.pick(nil)
		g.release(i)
		had = append(had, i)
	}
	assert.Equal(t, []int{0, 1, 2, 3, 0, 1, 2, 3, 0, 1}, had)

	g = newRig(t, LeastLoad(), []float64{1, 2, 1})
	for range 3 {
		i := g.pick(nil)
		g.release(i)
		assert.Equal(t, 1, i, "the largest")
	}
	g.pick(nil) // the largest has ¾ then, and the others ½
	had = had[:0]
	for range 4 {
		i := g.pick(nil)
		g.release(i)
		had = append(had, i)
	}
	assert.Equal(t, []int{0, 2, 0, 2}, had)
}

// TestLeastLoadOutlivesItsTurns uses them up: the row begins anew, and nothing else changes.
func TestLeastLoadOutlivesItsTurns(t *testing.T) {
	g := newRig(t, LeastLoad(), []float64{3, 3, 2, 2, 1})
	p := g.picker.(*leastLoadPicker)
	p.turn = 1<<p.turnBits - 3
	share := make([]int, len(g.list))
	for range 1000 {
		i := g.pick(nil)
		g.release(i)
		share[i]++
	}
	assert.Less(t, p.turn, uint32(1000))
	assert.InDelta(t, 500, share[0], 2)
	assert.InDelta(t, 500, share[1], 2)
}

func FuzzLeastLoad(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		capacities, steps := readCapacities(data)
		if len(capacities) == 0 {
			return
		}
		for i := range capacities { // ratios that are not cut off
			for ; capacities[i] < 0x1p-90; capacities[i] *= 0x1p64 {
			}
			for ; capacities[i] > 0x1p90; capacities[i] *= 0x1p-64 {
			}
		}
		g := newRig(t, LeastLoad(), capacities)
		g.expect = leastByScan
		g.run(steps, []balancer.Builder{LeastLoad()})
	})
}

// TestLeastLoadMeanResponse holds the policy to the exact mean response times of two
// servers with exponential work, in the mean work of the slower one.
func TestLeastLoadMeanResponse(t *testing.T) {
	for _, test := range []struct{ fast, load, want float64 }{
		{4, 0.3, 0.385}, {4, 0.6, 0.635}, {4, 0.8, 1.162}, {4, 0.9, 2.179},
		{2, 0.3, 0.698}, {2, 0.9, 3.629},
	} {
		t.Run(fmt.Sprintf("%v:1 at %v", test.fast, test.load), func(t *testing.T) {
			got := chain(t, LeastLoad(), [2]float64{test.fast, 1}, test.load*(test.fast+1))
			assert.InEpsilon(t, test.want, got, 0.005)
		})
	}
}

// TestLeastLoadBeatsCapacity compares the two on the same requests.
func TestLeastLoadBeatsCapacity(t *testing.T) {
	capacities := []float64{50, 100, 75}
	for _, rate := range []float64{75, 150, 190} {
		w := workload{speeds: capacities, rate: rate, requests: 100_000}
		blind := simulate(t, Capacity(CapacityOptions{}), w).mean
		least := simulate(t, LeastLoad(), w).mean
		assert.Less(t, least, 0.9*blind, "mean response time at %v/s", rate)
		require.Greater(t, least, 1/(225-rate), "the pooled bound")
	}
}
