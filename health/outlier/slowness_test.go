package outlier

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// passes lets ticks pass until one decision is told, and returns how many that took.
func (f *fleet) passes(most int) (ticks int) {
	for ticks < most && len(f.told) == 0 {
		f.pass()
		ticks++
	}
	return ticks
}

// A server that becomes ten times slower is out within five seconds, if it has some requests in
// a second; a slower one takes longer to be seen. A little slower is no fault.
func TestSlowServerIsEjected(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and in one goroutine")
	}
	for name, c := range map[string]struct {
		n       int
		slower  float64
		work    func(*rand.Rand) float64
		within  int // ticks
		ejected bool
	}{
		"ten times":            {6, 10, exponential, 5, true},
		"ten times, two":       {2, 10, exponential, 8, true},
		"ten times, lognormal": {4, 10, lognormal, 8, true},
		"ten times, constant":  {4, 10, constant, 5, true},
		"four times":           {3, 4, exponential, 30, true},
		"three of six":         {6, 3.5, constant, 20, true},
		"twice":                {3, 2, exponential, 600, false},
		"a third more":         {8, 1.33, lognormal, 600, false},
	} {
		t.Run(name, func(t *testing.T) {
			servers := unequal(c.n, 0.05)
			for _, s := range servers {
				s.slots, s.capacity = 4*s.slots, 4*s.capacity
			}
			f := newFleet(3, usual(), servers...)
			f.rate, f.work = 0.5*capacityOf(servers), c.work
			f.passes(120)
			require.Empty(t, actions(f.told))
			sick := servers[1]
			sick.slower = c.slower
			ticks := f.passes(c.within)
			if !c.ejected {
				require.Empty(t, actions(f.told))
				return
			}
			require.Equal(t, []string{"eject " + sick.name + " slow"}, actions(f.told), "after %d ticks", ticks)
			d := f.told[0].Decision
			assert.InDelta(t, math.Log(c.slower), math.Log(d.Evidence["ratio_to_peers"].(float64)), 0.9, d.Reason)
			assert.Equal(t, c.n-1, d.Evidence["peers"])
		})
	}
}

// Where the past of nobody is known a server is held to what its capacity promises: a small one
// is not ejected for being small, one that is sick from the start is.
func TestColdBaseline(t *testing.T) {
	small := &server{name: "small", capacity: 10, slots: 1}
	large := &server{name: "large", capacity: 200, slots: 2}
	other := &server{name: "other", capacity: 400, slots: 4}
	f := newFleet(5, usual(), small, large, other)
	f.rate, f.work = 300, exponential
	f.passes(600)
	require.Empty(t, actions(f.told))

	sick := &server{name: "sick", capacity: 200, slots: 2}
	f = newFleet(5, usual(), sick, &server{name: "large", capacity: 200, slots: 2}, &server{name: "other", capacity: 400, slots: 4})
	sick.slower = 12
	f.rate, f.work = 300, exponential
	f.passes(10)
	require.Equal(t, []string{"eject sick slow"}, actions(f.told))
}

// Weights that say nothing of speed are no promise: equal servers, one of which gets a tenth of
// the traffic for a trial, are all well.
func TestWeightsAreNoPromise(t *testing.T) {
	f := newFleet(5, usual(), &server{name: "a", capacity: 100, slots: 8}, &server{name: "b", capacity: 100, slots: 8}, &server{name: "canary", capacity: 10, slots: 8})
	f.rate, f.work = 60, exponential
	f.servers[2].slower = 0.1 // as fast as the others, whatever its capacity says
	f.passes(600)
	require.Empty(t, actions(f.told))
}

// One request that takes long, and a whole server that stands still for a moment, are no fault.
func TestOneSlowRequestIsNoFault(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		serve := func(name string, n int, took time.Duration) {
			for range n {
				r.endpoints[name].Ended(Attempt{Ending: Served, Held: took, Took: took, FirstByte: took})
			}
		}
		for i := range 120 {
			for _, name := range []string{"a", "b", "c"} {
				serve(name, 10, 50*time.Millisecond)
			}
			switch i {
			case 60:
				serve("a", 1, time.Minute)
			case 90:
				serve("b", 20, 3*time.Second)
			}
			time.Sleep(tickEvery)
		}
		require.Empty(t, r.takes())
	})
}

// Where all become slow at once it is the requests that have changed.
func TestAllSlowAlike(t *testing.T) {
	servers := unequal(6, 0.05)
	f := newFleet(9, all(usual()), servers...)
	f.rate, f.work = 0.05*capacityOf(servers), exponential
	f.passes(120)
	for _, s := range servers {
		s.slower = 15
	}
	f.passes(300)
	require.Empty(t, actions(f.told))
}

// Clients that give up before a slow server has answered are seen as what they are: it takes at
// least so long. Those that leave early say nothing.
func TestAbandonedRequestsSayHowLongTheyWaited(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		second := func(ending Ending, took time.Duration) {
			for range 10 {
				for _, name := range []string{"b", "c"} {
					r.endpoints[name].Ended(Attempt{Ending: Served, Held: took, Took: 50 * time.Millisecond, FirstByte: took})
				}
				r.endpoints["a"].Ended(Attempt{Ending: ending, Held: took, Took: took})
			}
			time.Sleep(tickEvery)
		}
		for range 60 {
			second(Served, 50*time.Millisecond)
		}
		for range 30 {
			second(Abandoned, 10*time.Millisecond)
		}
		require.Empty(t, r.takes(), "they left soon")
		for range 4 {
			second(Abandoned, time.Second)
		}
		all := r.takes()
		require.Equal(t, []string{"eject a slow"}, actions(all))
	})
}

// The bound holds: the logarithm of work with a heavy tail looks unusual as rarely as it says.
func TestCertainty(t *testing.T) {
	assert.False(t, certain(-1, 1000))
	assert.False(t, certain(1.1/1.28, 40))
	assert.True(t, certain(1.1/1.28, 90))
	assert.True(t, certain(2.3/1.28, 30))
}

func TestBucketsAreATenthWide(t *testing.T) {
	for d := time.Microsecond * 2; d < 3*time.Hour; d += d/13 + 1 {
		at := math.Exp(logs[bucketOf(d)]) * 1e9
		require.InEpsilon(t, float64(d), at, 0.07, "%v", d)
	}
	for _, d := range []time.Duration{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		b := bucketOf(d)
		require.True(t, b >= 0 && b < buckets, "%v", d)
	}
	for _, size := range []float64{0, -1, math.NaN(), math.Inf(1), 1e-300, 1e300} {
		b := bucketOf((&Attempt{Took: time.Hour, Size: size}).perWork())
		require.True(t, b >= 0 && b < buckets, "%v", size)
	}
}
