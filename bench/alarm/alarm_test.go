package alarm

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// each runs a test with both kinds of alarm, on the real clock.
func each(t *testing.T, test func(t *testing.T, a *Alarm)) {
	for name, create := range map[string]func() (*Alarm, error){
		"kernel": New,
		"plain":  func() (*Alarm, error) { return Plain(), nil },
	} {
		t.Run(name, func(t *testing.T) {
			a, err := create()
			require.NoError(t, err)
			defer a.Close()
			test(t, a)
		})
	}
}

func TestRingsNoEarlierThanSet(t *testing.T) {
	each(t, func(t *testing.T, a *Alarm) {
		for _, wait := range []time.Duration{-time.Second, 0, time.Microsecond, 150 * time.Microsecond, 3 * time.Millisecond} {
			at := time.Now().Add(wait)
			a.Set(at)
			require.True(t, a.Wait())
			require.False(t, time.Now().Before(at))
		}
	})
}

func TestIsSetAnewWhileSomebodyWaits(t *testing.T) {
	each(t, func(t *testing.T, a *Alarm) {
		a.Set(time.Now().Add(time.Hour))
		var waits sync.WaitGroup
		waits.Go(func() { a.Wait() })
		a.Set(time.Now().Add(time.Millisecond))
		waits.Wait()

		soon, later := time.Now().Add(time.Millisecond), time.Now().Add(5*time.Millisecond)
		a.Set(soon)
		a.Set(later)
		for time.Now().Before(later) {
			require.True(t, a.Wait())
		}
	})
}

func TestCloseEndsEveryWait(t *testing.T) {
	each(t, func(t *testing.T, a *Alarm) {
		ended := make(chan bool)
		go func() { ended <- a.Wait() }()
		a.Close()
		require.False(t, <-ended)
		a.Close()
		a.Set(time.Now())
		require.False(t, a.Wait())
	})
}

func TestPlainRingsInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := Plain()
		at := time.Now().Add(time.Hour)
		a.Set(at)
		require.True(t, a.Wait())
		require.Equal(t, at, time.Now())
		a.Close()
	})
}

func TestLeadFollowsHowLateTheTimerIs(t *testing.T) {
	a := newAlarm(newPlainTimer())
	defer a.Close()
	a.lead.Store(int64(100 * time.Microsecond))
	late := func(by time.Duration) {
		for range 200 {
			a.target.Store(a.now() + a.lead.Load() - int64(by))
			a.learn()
		}
	}
	late(time.Second)
	require.InDelta(t, longestLead, a.lead.Load(), float64(time.Microsecond))
	a.target.Store(a.now() + int64(time.Hour)) // set for later since: nothing to learn
	before := a.lead.Load()
	a.learn()
	require.Equal(t, before, a.lead.Load())
}

// BenchmarkWait reports how late an alarm rings after idling for two
// milliseconds, in microseconds.
func BenchmarkWait(b *testing.B) {
	for name, create := range map[string]func() (*Alarm, error){
		"kernel": New,
		"plain":  func() (*Alarm, error) { return Plain(), nil },
	} {
		b.Run(name, func(b *testing.B) {
			a, err := create()
			require.NoError(b, err)
			defer a.Close()
			var late time.Duration
			for b.Loop() {
				at := time.Now().Add(2 * time.Millisecond)
				a.Set(at)
				for time.Now().Before(at) {
					a.Wait()
				}
				late += time.Since(at)
			}
			b.ReportMetric(float64(late.Microseconds())/float64(b.N), "late-µs/op")
		})
	}
}
