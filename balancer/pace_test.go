package balancer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPaceIsOfWhatWasServed: what failed, or what was cut, says nothing of it.
func TestPaceIsOfWhatWasServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, patientQueue)
		serve := func(took time.Duration, o Outcome) {
			lease := acquire(t, p, 0)
			time.Sleep(took)
			lease.Release(o)
		}
		for range paceKnown - 1 {
			serve(2*time.Second, Outcome{Class: Answered, Status: 200})
			for _, o := range []Outcome{{Class: Answered, Status: 500}, {Class: Answered, Status: 404}, {Class: Truncated, Status: 200}, {Class: ClientGone}} {
				serve(time.Millisecond, o)
			}
		}
		require.Zero(t, at(p, 0).pace.get(false))
		w := enqueueBehind(t, p, func() { time.Sleep(time.Hour) })
		time.Sleep(2 * time.Second) // the time in the queue does not count
		w.Release(Outcome{Class: Answered, Status: 200})
		require.InDelta(t, 2, at(p, 0).pace.get(false), 1e-9)
	})
}

// enqueueBehind lets a request wait for the only slot while something else has it.
func enqueueBehind(t *testing.T, p *Pool, other func()) Lease {
	t.Helper()
	before := acquire(t, p, 0)
	w := enqueue(t, p, nil)
	other()
	before.Release(Outcome{})
	return wait(t, w)
}

// TestUntrustedSizesMakeNoPace: where predictions say nothing, an endpoint that happens to
// get what was predicted to be short is not slow.
func TestUntrustedSizesMakeNoPace(t *testing.T) {
	p := newQueuePool(t, 2, shortestQueue)
	for range paceKnown {
		at(p, 0).pace.learn(time.Second, 0.1)
		at(p, 1).pace.learn(time.Second, 1.9)
	}
	acquireOnly(t, p, 1)
	acquire(t, p, 1)
}

// TestOddWorkAndTimes leave nothing behind that is no number, whatever work is counted in.
func TestOddWorkAndTimes(t *testing.T) {
	for _, unit := range []float64{1, 1e-4} {
		clock := time.Duration(0)
		p := NewPool("odd", NewLoads())
		require.NoError(t, p.Apply(Options{Policy: turns{"turns"}, Queue: shortestQueue, Now: func() time.Duration { return clock }}, slotted(1, 1)))
		serve := func(work float64, took time.Duration) {
			lease := acquire(t, p, work)
			clock += took
			lease.Release(Outcome{Class: Answered, Status: 200})
		}
		for range usualKnown + paceKnown {
			serve(unit, time.Second)
		}
		for _, work := range []float64{math.Inf(1), math.NaN(), -1, math.MaxFloat64, 1e-300, 8 * unit} {
			for _, took := range []time.Duration{0, -time.Second, time.Nanosecond, math.MaxInt64 / 1000} {
				serve(work, took)
			}
		}
		for range 1000 {
			serve(unit, time.Second)
		}
		require.InDelta(t, 1, at(p, 0).pace.get(false), 0.01)
		require.False(t, math.IsNaN(at(p, 0).pace.get(true)))
		for range 20 {
			serve(8*unit, 8*time.Second)
		}
		require.False(t, math.IsNaN(p.queue.longOnes.value))
		require.Less(t, p.queue.usual.value, 20*unit)
	}
}

func TestAMeanForgets(t *testing.T) {
	var m mean
	for range 100 {
		m.learn(1, 10)
	}
	for range 50 {
		m.learn(2, 10)
	}
	require.InDelta(t, 2, m.value, 0.01)
	m = mean{}
	m.learn(1, 10)
	m.learn(2, 10)
	require.InDelta(t, 1.5, m.value, 1e-9, "of few it is the plain mean")
}

// TestWhoIsBoundAtOnceIsMeasured: where a slot came free between Acquire and Enqueue.
func TestWhoIsBoundAtOnceIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, patientQueue)
		for range paceKnown {
			lease := wait(t, enqueue(t, p, nil))
			time.Sleep(time.Second)
			lease.Release(Outcome{Class: Answered, Status: 200})
		}
		require.InDelta(t, 1, at(p, 0).pace.get(false), 1e-9)
	})
}

// TestAColdStartIsNoPace: one request that took 600 times as long makes no endpoint slow.
func TestAColdStartIsNoPace(t *testing.T) {
	var p pace
	p.learn(time.Minute, 1)
	for range paceKnown - 1 {
		p.learn(100*time.Millisecond, 1)
	}
	require.InDelta(t, 0.19, p.get(true), 0.01)
}
