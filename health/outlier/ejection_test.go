package outlier

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An endpoint that fails whenever it is tried is out for longer each time.
func TestEjectionsGrow(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.ends("a", 3, ServerError)
		for i, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
			all := r.takes()
			require.Equal(t, "eject a consecutive", actions(all)[len(all)-1])
			d := all[len(all)-1].Decision
			assert.Equal(t, i+1, d.Repeats)
			assert.InDelta(t, float64(want), d.For.Seconds(), 0.11*float64(want))
			time.Sleep(d.For - 2*time.Second)
			require.Empty(t, r.takes())
			time.Sleep(4 * time.Second)
			all = r.takes()
			require.Equal(t, []string{"restore a consecutive"}, actions(all))
			assert.InDelta(t, d.For.Seconds(), all[0].For.Seconds(), 1.01)
			r.ends("a", 1, Reset) // on trial one is enough
		}
	})
}

// Endpoints ejected together come back one after the other.
func TestEjectionsAreJittered(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		lasts := map[time.Duration]bool{}
		for _, name := range []string{"a", "b", "c"} {
			r.ends(name, 3, ServerError)
			lasts[r.takes()[0].For] = true
		}
		assert.Len(t, lasts, 3)
	})
}

// Who serves well in its trial is as any other; what it did is forgotten as slowly as it was
// punished.
func TestTrial(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		comesBack := func(d time.Duration) {
			time.Sleep(d + 2*time.Second)
			require.Equal(t, []string{"restore a consecutive"}, actions(r.takes()))
			r.ends("a", 3, Served)
			time.Sleep(tickEvery)
			require.Equal(t, []string{"passed a consecutive"}, actions(r.takes()))
			r.ends("a", 2, ServerError)
			require.Empty(t, r.takes(), "three in a row again")
		}
		r.ends("a", 3, ServerError)
		comesBack(r.takes()[0].For)
		r.ends("a", 1, ServerError)
		all := r.takes()
		require.Equal(t, 2, all[0].Repeats)
		comesBack(all[0].For)
		r.ends("a", 1, Served)
		time.Sleep(32 * time.Second) // 20 s forget the second, 10 s the first
		r.ends("a", 3, ServerError)
		require.Equal(t, 1, r.takes()[0].Repeats)
	})
}

// What began before an endpoint got requests again says nothing new.
func TestOldAttemptsDoNotCountInATrial(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.ends("a", 3, TimedOut)
		time.Sleep(r.takes()[0].For + time.Second)
		require.Equal(t, []string{"restore a consecutive"}, actions(r.takes()))
		for range 5 {
			r.endpoints["a"].Ended(Attempt{Ending: TimedOut, Held: time.Minute, Took: time.Minute})
		}
		require.Empty(t, r.takes())
		time.Sleep(2 * time.Second)
		r.endpoints["a"].Ended(Attempt{Ending: TimedOut, Held: time.Second, Took: time.Second})
		require.Equal(t, []string{"eject a consecutive"}, actions(r.takes()))
	})
}

// A probe that failed and passes again begins a trial, and no more.
func TestRevived(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.endpoints["a"].Revived()
		require.Empty(t, r.takes(), "it was not ejected")
		time.Sleep(tickEvery)
		r.ends("a", 1, ConnectFailed)
		require.Equal(t, []string{"eject a consecutive"}, actions(r.takes()), "it was on trial")
		time.Sleep(time.Second)
		r.endpoints["a"].Revived()
		require.Equal(t, []string{"restore a consecutive"}, actions(r.takes()))
		time.Sleep(tickEvery)
		r.ends("a", 1, ServerError)
		require.Equal(t, []string{"eject a consecutive"}, actions(r.takes()))
	})
}

// Where so many are ejected that they are used all the same, whoever serves well comes back.
func TestAppeal(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.joins("d")
		r.obeys = func(name string) bool { return name == "c" }
		for _, name := range []string{"a", "b", "c"} {
			r.ends(name, 3, ServerError)
		}
		require.Len(t, r.takes(), 3)
		for range 5 {
			time.Sleep(tickEvery)
			r.ends("a", 2, Served)
			r.ends("b", 2, Served)
			r.ends("b", 1, ServerError)
			r.ends("c", 2, Served) // old streams: it gets nothing new
		}
		all := r.takes()
		require.Equal(t, []string{"restore a consecutive", "passed a consecutive"}, actions(all))
		assert.Equal(t, "it served requests well that it got all the same", all[0].Reason)
	})
}

// Other options keep what was counted and who is out, and end ejections that would not be made
// any more.
func TestConfigureKeepsCounts(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.ends("a", 2, ServerError)
		r.ends("b", 3, ServerError)
		require.Equal(t, []string{"eject b consecutive"}, actions(r.takes()))
		o := usual()
		o.Consecutive, o.Window = 4, 2*time.Minute
		r.configure(o)
		r.ends("a", 1, ServerError)
		require.Empty(t, r.takes())
		r.ends("a", 1, ServerError)
		require.Equal(t, []string{"eject a consecutive"}, actions(r.takes()))

		o.Enforced[Consecutive] = false
		r.configure(o)
		time.Sleep(tickEvery)
		require.ElementsMatch(t, []string{"restore a consecutive", "restore b consecutive"}, actions(r.takes()))
	})
}

// A lower limit counts for failures that were there before.
func TestLowerLimit(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.ends("a", 2, ServerError)
		o := usual()
		o.Consecutive = 2
		r.configure(o)
		time.Sleep(tickEvery)
		require.Equal(t, []string{"eject a consecutive"}, actions(r.takes()))
	})
}

// Where all were ejected, the first that serves again speaks for those that are kept out.
func TestDark(t *testing.T) {
	all := []string{"restore a consecutive", "restore b consecutive", "restore c consecutive"}
	for name, shows := range map[string]func(r *rig){
		"it served others than those of before": func(r *rig) { r.ends("a", fleetPasses, Served) },
		"it is back from failed probes":         func(r *rig) { r.endpoints["b"].Revived() },
	} {
		t.Run(name, func(t *testing.T) {
			judged(t, usual(), func(t *testing.T, r *rig) {
				r.obeys = func(name string) bool { return name != "a" }
				time.Sleep(2 * tickEvery)
				for _, name := range []string{"a", "b", "c"} {
					r.ends(name, 3, ServerError)
				}
				require.Len(t, r.takes(), 3)
				time.Sleep(time.Second / 10)
				shows(r)
				require.ElementsMatch(t, all, actions(r.takes()))
				time.Sleep(time.Second / 10)
				r.ends("b", 1, ServerError)
				require.Equal(t, []string{"eject b consecutive"}, actions(r.takes()), "it was on trial")
				r.ends("a", fleetPasses, Served)
				require.Empty(t, r.takes(), "the others serve: b stands alone")
			})
		})
	}
}

// What speaks for a dark group: not what began before it was one, nor what fails in between, nor
// the end of an ejection.
func TestDarkStaysDark(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.obeys = func(name string) bool { return name != "a" }
		time.Sleep(2 * tickEvery)
		for _, name := range []string{"a", "b", "c"} {
			r.ends(name, 3, ServerError)
		}
		lasts := r.takes()[0].For
		for range 2 * fleetPasses {
			r.endpoints["a"].Ended(Attempt{Ending: Served, Held: time.Minute, Took: time.Minute})
		}
		require.Empty(t, r.takes(), "they had begun before")
		time.Sleep(100 * time.Millisecond)
		for range 4 {
			r.ends("a", fleetPasses-1, Served)
			r.ends("a", 1, ServerError)
		}
		require.Empty(t, r.takes(), "not so many in a row")
		time.Sleep(lasts + 3*time.Second)
		require.Len(t, r.takes(), 3, "their time is over")
	})
}

// One that is ejected while others serve waits for its own time.
func TestOneAloneIsNotDark(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		time.Sleep(2 * tickEvery)
		r.ends("a", 3, ServerError)
		r.ends("b", 3, ServerError)
		require.Len(t, r.takes(), 2)
		r.ends("c", 3*fleetPasses, Served)
		r.endpoints["b"].Revived()
		require.Equal(t, []string{"restore b consecutive"}, actions(r.takes()))
		time.Sleep(3 * tickEvery)
		require.Empty(t, r.takes())
	})
}
