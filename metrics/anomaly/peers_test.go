package anomaly

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// kindsOfWork are how long requests take, in means, of which nothing is predicted.
var kindsOfWork = map[string]func(*rand.Rand) float64{
	"alike":       func(c *rand.Rand) float64 { return math.Exp(0.3 * c.NormFloat64()) },
	"exponential": func(c *rand.Rand) float64 { return c.ExpFloat64() + 1e-3 },
	"heavy": func(c *rand.Rand) float64 {
		if c.Float64() < 0.1 {
			return 7.364*c.ExpFloat64() + 1e-3
		}
		return 0.293*c.ExpFloat64() + 1e-3
	},
	"two kinds": func(c *rand.Rand) float64 {
		if c.Float64() < 0.5 {
			return 0.05 * math.Exp(0.2*c.NormFloat64())
		}
		return math.Exp(0.2 * c.NormFloat64())
	},
}

// drawn has requests take so long.
func (r *rig) drawn(times func(*rand.Rand) float64, more func(*usage.Row)) func(*usage.Row) {
	return func(row *usage.Row) {
		row.Service = time.Duration(times(r.chance) * 2 * float64(time.Second))
		if more != nil {
			more(row)
		}
	}
}

func TestShape(t *testing.T) {
	for name, times := range kindsOfWork {
		t.Run(name, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(11, 12))
			draw := func(n int, factor float64) (c spread) {
				for range n {
					c[binOf(math.Log(times(chance)*factor))]++
				}
				return c
			}
			s := &shape{}
			calm := draw(5000, 1)
			s.learn(&calm)
			require.True(t, s.known())
			s.settle(math.Log(1.8))
			says := func(c spread) (sum float64) {
				for i, n := range c {
					sum += float64(n) * s.score[i]
				}
				return sum
			}
			for range 20 {
				again, slow := draw(150, 1), draw(150, 2)
				assert.Negative(t, says(again))
				assert.Greater(t, says(slow), 3.0)
				assert.InDelta(t, 0, s.moved(&again), 0.3)
				assert.InDelta(t, math.Log(2), s.moved(&slow), 0.3)
			}
			assert.Negative(t, s.mean)
		})
	}
}

func TestShapeOfBadInput(t *testing.T) {
	for _, x := range []float64{math.Inf(1), math.Inf(-1), 1e9, -1e9} {
		assert.Contains(t, []int{0, bins - 1}, binOf(x))
	}
	s := &shape{}
	s.settle(math.Log(1.8))
	for _, v := range s.score {
		assert.False(t, math.IsNaN(v))
	}
	assert.False(t, math.IsNaN(s.moved(&spread{})))
	var constant spread
	constant[bins/2] = 1e6
	s.learn(&constant)
	s.settle(math.Log(1.8))
	assert.InDelta(t, 0, s.moved(&constant), 0.05)
}

// TestTwofoldOfAnyWork: at five requests a second, of which nothing is predicted, a server that becomes twice as slow is named
// within a minute.
func TestTwofoldOfAnyWork(t *testing.T) {
	for name, times := range kindsOfWork {
		for _, n := range []int{2, 4} {
			r := newRig()
			r.run(40*time.Minute, n, 50, r.drawn(times, nil))
			require.Empty(t, r.told, "%s, %d", name, n)
			began := r.now
			r.run(time.Minute, n, 50, r.drawn(times, slowAt("gpu2", 2)))
			require.NotEmpty(t, r.told, "%s, %d", name, n)
			assert.Equal(t, "gpu2", r.told[0].Place.Endpoint, "%s, %d", name, n)
			assert.InDelta(t, 2, r.told[0].Ratio, 0.6, "%s, %d", name, n)
			assert.WithinDuration(t, began, r.told[0].Since, 20*time.Second)
			r.run(20*time.Minute, n, 50, r.drawn(times, nil))
			assert.Empty(t, r.up(), "%s, %d: it is over", name, n)
		}
	}
}

// TestPausesOfAnyWork: a server that stands still for some seconds, as at a collection of garbage, is not slow.
func TestPausesOfAnyWork(t *testing.T) {
	for name, times := range kindsOfWork {
		r := newRig()
		r.run(40*time.Minute, 3, 50, r.drawn(times, nil))
		for range 10 {
			r.run(2*lookEvery, 3, 50, r.drawn(times, func(row *usage.Row) {
				if row.Endpoint == "gpu1" {
					row.Service += 4 * time.Second
				}
			}))
			r.run(10*time.Minute, 3, 50, r.drawn(times, nil))
		}
		assert.Empty(t, r.told, name)
	}
}

// TestSlownessOfAllIsNobodys: what makes all slower at once makes nobody slower than the others.
func TestSlownessOfAllIsNobodys(t *testing.T) {
	for name, times := range kindsOfWork {
		r := newRig()
		r.run(40*time.Minute, 3, 50, r.drawn(times, nil))
		for range 3 {
			r.run(10*time.Minute, 3, 50, r.drawn(times, func(row *usage.Row) { row.Service = 9 * row.Service / 5 }))
			r.run(10*time.Minute, 3, 50, r.drawn(times, nil))
		}
		for _, f := range r.told {
			assert.Empty(t, f.Place.Endpoint, "%s: %s", name, f.Text)
		}
	}
}

// TestFewRequests: a server that has a request every five seconds is found as well, only later.
func TestFewRequests(t *testing.T) {
	r := newRig()
	r.run(3*time.Hour, 3, 2, nil)
	require.Empty(t, r.told)
	r.run(5*time.Minute, 3, 2, slowAt("gpu2", 2))
	require.NotEmpty(t, r.up())
	assert.Equal(t, "gpu2", r.up()[0].Place.Endpoint)
}

// TestBusyServersAreListenedToInPart, and a slow one is found all the same.
func TestBusyServersAreListenedToInPart(t *testing.T) {
	const each = 600
	r := newRig()
	r.run(35*time.Minute, 2, each, nil)
	require.Empty(t, r.told)
	e := r.upstreams["chat"].endpoints["gpu1"]
	assert.LessOrEqual(t, len(e.samples.list), mostSamples)
	assert.GreaterOrEqual(t, e.samples.held(r.look), leastLooks)
	r.run(time.Minute, 2, each, slowAt("gpu2", 2))
	require.Len(t, r.up(), 1)
	assert.InDelta(t, 2, r.up()[0].Ratio, 0.2)
}

// TestRhythmIsNoSlowness: clients whose requests are long and short in turn are heard in part as they are in whole, however many
// come. Of two servers' requests one has the long ones where the other has the short ones.
func TestRhythmIsNoSlowness(t *testing.T) {
	r, turn := newRig(), map[string]int{"gpu2": 1}
	inTurn := func(row *usage.Row) {
		if turn[row.Endpoint]++; turn[row.Endpoint]%2 == 0 {
			row.Service *= 5
		}
	}
	for _, each := range []int{mostOfLook - 56, mostOfLook + 44, 2*mostOfLook + 44, mostOfLook + 44, 4*mostOfLook - 24} {
		r.run(4*time.Minute, 2, each, inTurn)
		require.Empty(t, r.told, each)
	}
}
