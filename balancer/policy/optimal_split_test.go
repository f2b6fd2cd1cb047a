package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// arrive picks at an even rate for so many seconds and returns what each candidate had.
func (c *clock) arrive(g *rig, perSecond float64, seconds int) []float64 {
	had := make([]float64, len(g.list))
	for range int(perSecond * float64(seconds)) {
		c.now += time.Duration(float64(time.Second) / perSecond)
		had[g.pick(nil)]++
	}
	return had
}

func (g *rig) note() string { return g.picker.(balancer.Noter).Note() }

func TestOptimalSplitFollowsTraffic(t *testing.T) {
	c := new(clock)
	g := newRig(t, OptimalSplit(OptimalSplitOptions{Scale: 2, Now: c.read}), []float64{50, 200}) // 100/s and 400/s
	assert.Equal(t, "shares are proportional to capacity: traffic has not been measured for 10 seconds yet", g.note())
	assert.InDeltaSlice(t, []float64{200, 800}, c.arrive(g, 100, 10), 1)

	c.arrive(g, 150, 12)
	had := c.arrive(g, 150, 100)
	assert.InDelta(t, 0.002*15_000, had[0], 2, "the slow one is below its threshold")
	assert.Regexp(t, `^1[45]\S* requests/s of the 500 that the endpoints sustain: 1 % of their proportional share for 0, below their threshold$`, g.note())

	c.arrive(g, 350, 20)
	had = c.arrive(g, 350, 100)
	assert.InDeltaSlice(t, []float64{0.1429 * 35_000, 0.8571 * 35_000}, had, 20)
	assert.Regexp(t, `^3[45]\S* requests/s of the 500 that the endpoints sustain: all are above their threshold$`, g.note())

	c.arrive(g, 600, 20)
	had = c.arrive(g, 600, 10)
	assert.InDeltaSlice(t, []float64{1200, 4800}, had, 2)
	assert.Regexp(t, `^shares are proportional to capacity: [56]\S* requests/s of the 500 that the endpoints sustain$`, g.note())

	c.arrive(g, 0.5, 80)
	had = c.arrive(g, 0.5, 400)
	assert.InDelta(t, 0, had[0], 1)
}

func TestOptimalSplitWithoutScale(t *testing.T) {
	for _, scale := range []float64{0, -1} {
		c := new(clock)
		g := newRig(t, OptimalSplit(OptimalSplitOptions{Scale: scale, Now: c.read}), []float64{50, 200})
		assert.InDeltaSlice(t, []float64{2000, 8000}, c.arrive(g, 100, 100), 1)
		assert.Equal(t, "shares are proportional to capacity: it is not known how many requests per second a unit of capacity sustains", g.note())
		assert.Zero(t, c.readings)
	}
}

func TestOptimalSplitNamesItsOptions(t *testing.T) {
	assert.Equal(t, "optimal_split", OptimalSplit(OptimalSplitOptions{}).Name())
	assert.NotEqual(t, OptimalSplit(OptimalSplitOptions{Scale: 1}).Name(), OptimalSplit(OptimalSplitOptions{Scale: 2}).Name())
}

// TestOptimalSplitNamesAFew keeps the note of a large fleet short.
func TestOptimalSplitNamesAFew(t *testing.T) {
	c := new(clock)
	g := newRig(t, OptimalSplit(OptimalSplitOptions{Scale: 1, Now: c.read}), append(group(20, 1), 100))
	c.arrive(g, 10, 20)
	assert.Contains(t, g.note(), "for 0, 1, 2, 3, 4 and 15 more, below")
}

// TestOptimalSplitKeepsPhase changes T all the time; what adds up over every change stays
// near the shares of the moment.
func TestOptimalSplitKeepsPhase(t *testing.T) {
	c := new(clock)
	g := newRig(t, OptimalSplit(OptimalSplitOptions{Scale: 1, Now: c.read}), []float64{10, 20, 70})
	p := g.picker.(*optimalPicker)
	drift, changes := newDrift(3), 0
	for k := range 40_000 {
		c.now += time.Second / time.Duration(20+60*((k/2000)%2))
		before := append([]float64(nil), p.accounts[0].part, p.accounts[1].part, p.accounts[2].part)
		drift.count(g.pick(nil), before)
		if p.accounts[0].part != before[0] {
			changes++
		}
	}
	assert.Greater(t, changes, 20)
	assert.Less(t, drift.window(), 3.0)
}

// TestOptimalSplitStaysMeasured hands over to pickers of itself and of capacity.
func TestOptimalSplitStaysMeasured(t *testing.T) {
	c := new(clock)
	b := OptimalSplit(OptimalSplitOptions{Scale: 1, Now: c.read})
	g := newRig(t, b, []float64{100, 400})
	c.arrive(g, 150, 20)
	note := g.note()
	g.replace(b)
	assert.Equal(t, note, g.note())
	had := c.arrive(g, 150, 20)
	assert.Less(t, had[0], 8.0)

	g.replace(Capacity(CapacityOptions{}))
	assert.InDeltaSlice(t, []float64{100, 400}, c.arrive(g, 150, 4)[:2], 110)
	g.replace(b)
	assert.Contains(t, g.note(), "not been measured")
}

// TestOptimalSplitMeanResponse measures what the policy promises, in simulated time: the
// shares are the optimum's, which by the formula have its mean response time; requests
// that come in their turn instead of by chance do better than that, and better than those
// shared in proportion.
func TestOptimalSplitMeanResponse(t *testing.T) {
	for _, test := range []struct {
		rates   []float64
		traffic float64
		optimum float64 // mean response time
	}{
		{[]float64{100, 200, 150}, 300, 0.0194},
		{[]float64{10, 40}, 35, 0.1143},
		{[]float64{10, 10, 20, 40, 80}, 80, 0.0437},
		{[]float64{10, 10, 20, 40, 80}, 32, 0.0203},
	} {
		var now time.Duration
		b := OptimalSplit(OptimalSplitOptions{Scale: 1, Now: func() time.Duration { return now }})
		w := workload{speeds: test.rates, rate: test.traffic, requests: 100_000, clock: &now}
		split := simulate(t, b, w)
		parts, total := make([]float64, len(test.rates)), 0.0
		for _, n := range split.served {
			total += n
		}
		for i, n := range split.served {
			parts[i] = n / total
		}
		assert.InEpsilon(t, test.optimum, response(test.rates, parts, test.traffic), 0.03)
		assert.Less(t, split.mean, test.optimum)
		require.Less(t, split.mean, simulate(t, Capacity(CapacityOptions{}), w).mean)
	}
}

// BenchmarkAim is new shares: the price of a second in which T has changed.
func BenchmarkAim(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(endpointsOf(n), func(b *testing.B) {
			rates := unequal(n)
			sum := 0.0
			for _, c := range rates {
				sum += c
			}
			p := OptimalSplit(OptimalSplitOptions{Scale: 1}).Build(candidates(b, rates)).(*optimalPicker)
			b.ReportAllocs()
			for k := 0; b.Loop(); k++ {
				p.aimAt(sum * (0.5 + 0.3*float64(k%2)))
			}
		})
	}
}
