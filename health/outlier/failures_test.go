package outlier

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// judged runs a test in virtual time with a group of endpoints a, b and c.
func judged(t *testing.T, o Options, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(o, "a", "b", "c")
		r.runs(t, func() {
			time.Sleep(tickEvery / 2) // so that what the test does falls between two ticks
			f(t, r)
		})
	})
}

// The third failure in a row ejects, at once: no time passes.
func TestFailuresInARow(t *testing.T) {
	for _, ending := range []Ending{ConnectFailed, Reset, TimedOut, ServerError} {
		judged(t, usual(), func(t *testing.T, r *rig) {
			began := time.Now()
			r.ends("a", 2, ending)
			require.Empty(t, r.takes())
			r.ends("a", 1, ending)
			all := r.takes()
			require.Equal(t, []string{"eject a consecutive"}, actions(all))
			require.Zero(t, time.Since(began))
			d := all[0].Decision
			assert.Equal(t, "3 failures in a row; the last: "+faultWords[ending], d.Reason)
			assert.Equal(t, map[string]any{"failures_in_a_row": 3, "limit": 3, "last_failure": faultNames[ending]}, d.Evidence)
			assert.InDelta(t, 10, d.For.Seconds(), 1.01)
			assert.Equal(t, began.Add(d.For), d.Until)
			r.ends("a", 100, ending)
			require.Empty(t, r.takes(), "it is out already")
		})
	}
}

// What is served ends a run of failures; what says nothing of the endpoint neither ends nor
// lengthens it.
func TestWhatIsNoFailure(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		for range 100 {
			r.ends("a", 2, ServerError)
			r.ends("a", 3, Served)
			for _, ending := range []Ending{Nothing, PushedBack, Abandoned, endings, 200} {
				r.ends("b", 5, ending)
			}
		}
		require.Empty(t, r.takes())
		r.ends("b", 2, ServerError)
		r.ends("b", 50, Abandoned)
		r.ends("b", 1, TimedOut)
		require.Equal(t, []string{"eject b consecutive"}, actions(r.takes()))
	})
}

// An endpoint that serves now and then fails too much all the same.
func TestFailureRatio(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		fails := func(times int) {
			for range times {
				r.ends("a", 1, Served)
				r.ends("a", 2, ServerError)
			}
			r.ends("b", 20, Served)
			time.Sleep(2 * tickEvery)
		}
		fails(3)
		require.Empty(t, r.takes(), "nine requests say too little")
		fails(1)
		all := r.takes()
		require.Equal(t, []string{"eject a ratio"}, actions(all))
		assert.Equal(t, "8 of its last 12 requests failed", all[0].Reason)
		assert.Equal(t, map[string]any{
			"failure_ratio": 8.0 / 12, "limit": 0.5, "requests": 12, "window_seconds": 60.0, "failure_ratio_of_peers": 0.0,
		}, all[0].Evidence)
	})
}

// The window slides: what is older than it does not count, to the second.
func TestWindowSlides(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		for range 4 {
			r.ends("a", 2, ServerError)
			r.ends("a", 1, Served)
		}
		r.ends("a", 5, Served) // 8 of 17
		time.Sleep(58 * time.Second)
		for range 4 {
			r.ends("a", 2, ServerError)
			r.ends("a", 4, Served) // 16 of 41
		}
		time.Sleep(4 * time.Second) // the first are gone: 8 of 24
		require.Empty(t, r.takes())
	})
}

// Where the others fail as often, it is not the endpoint's fault.
func TestAllFailAlike(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		for range 10 {
			for _, name := range []string{"a", "b", "c"} {
				r.ends(name, 2, ServerError)
				r.ends(name, 1, Served)
			}
			time.Sleep(tickEvery)
		}
		require.Empty(t, r.takes())
	})
}

// A detector that is not enforced says what it would have done, once for each ejection that
// there would have been.
func TestShadow(t *testing.T) {
	o := usual()
	o.Enforced[Consecutive], o.Enforced[Ratio] = false, false
	judged(t, o, func(t *testing.T, r *rig) {
		for range 25 { // 10 s and 20 s, give or take
			r.ends("a", 10, ServerError)
			time.Sleep(time.Second)
		}
		all := r.takes()
		require.ElementsMatch(t, []string{
			"would eject a consecutive", "would eject a ratio", "would eject a consecutive", "would eject a ratio",
		}, actions(all))
		assert.Equal(t, 1, all[0].Repeats)
		assert.Equal(t, 2, all[3].Repeats)
	})
}

// A detector that is off says nothing.
func TestOff(t *testing.T) {
	o := usual()
	o.Consecutive, o.FailureRatio = 0, 0
	judged(t, o, func(t *testing.T, r *rig) {
		r.ends("a", 1000, ServerError)
		time.Sleep(10 * time.Second)
		require.Empty(t, r.takes())
	})
}

// Counting takes neither locks nor memory.
func TestEndedDoesNotAllocate(t *testing.T) {
	r := newRig(usual(), "a")
	for ending := range endings {
		a := Attempt{Ending: ending, Held: time.Second, Took: time.Second, FirstByte: time.Millisecond, Size: 1.5}
		assert.Zero(t, testing.AllocsPerRun(1000, func() { r.endpoints["a"].Ended(a) }))
	}
}

func BenchmarkEnded(b *testing.B) {
	r := newRig(usual(), "a")
	a := Attempt{Ending: Served, Held: time.Second, Took: time.Second, FirstByte: time.Millisecond, Size: 1.5}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.endpoints["a"].Ended(a)
		}
	})
}
