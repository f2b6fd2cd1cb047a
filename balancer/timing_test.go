package balancer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// TestServiceTimeIsOfWhatWasServed: requests that failed or were cut do not count.
func TestServiceTimeIsOfWhatWasServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, patientQueue)
		serve := func(took time.Duration, o Outcome) {
			lease := acquire(t, p, 0)
			time.Sleep(took)
			lease.Release(o)
		}
		for range dispatch.Tuned.ServiceKnown - 1 {
			serve(2*time.Second, Outcome{Class: Answered, Status: 200})
			for _, o := range []Outcome{{Class: Answered, Status: 500}, {Class: Answered, Status: 404}, {Class: Truncated, Status: 200}, {Class: ClientGone}} {
				serve(time.Millisecond, o)
			}
		}
		require.Zero(t, at(p, 0).service.Seconds(false))
		w := enqueueBehind(t, p, func() { time.Sleep(time.Hour) })
		time.Sleep(2 * time.Second) // the time in the queue does not count
		w.Release(Outcome{Class: Answered, Status: 200})
		require.InDelta(t, 2, at(p, 0).service.Seconds(false), 1e-9)
	})
}

// enqueueBehind lets a request wait for the only slot while other happens.
func enqueueBehind(t *testing.T, p *Pool, other func()) Lease {
	t.Helper()
	before := acquire(t, p, 0)
	w := enqueue(t, p, nil)
	other()
	before.Release(Outcome{})
	return wait(t, w)
}

// TestUntrustedSizesMakeNoServiceTime: where predictions say nothing, an endpoint does not look
// slow because it happened to get requests that were predicted to be short.
func TestUntrustedSizesMakeNoServiceTime(t *testing.T) {
	p := newQueuePool(t, 2, shortestQueue)
	for range dispatch.Tuned.ServiceKnown {
		at(p, 0).service.Learn(time.Second, 0.1, false)
		at(p, 1).service.Learn(time.Second, 1.9, false)
	}
	acquireOnly(t, p, 1)
	acquire(t, p, 1)
}

// TestOddWorkAndTimes leave no NaN behind, whatever the unit of work.
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
		for range dispatch.Tuned.UsualKnown + dispatch.Tuned.ServiceKnown {
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
		require.InDelta(t, 1, at(p, 0).service.Seconds(false), 0.01)
		require.False(t, math.IsNaN(at(p, 0).service.Seconds(true)))
		for range 20 {
			serve(8*unit, 8*time.Second)
		}
		require.False(t, math.IsNaN(p.queue.sizes.Long.Value))
		require.Less(t, p.queue.sizes.Usual.Value, 20*unit)
	}
}

// TestWhoIsBoundAtOnceIsMeasured: a request for which a slot was freed between Acquire and Enqueue.
func TestWhoIsBoundAtOnceIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, patientQueue)
		for range dispatch.Tuned.ServiceKnown {
			lease := wait(t, enqueue(t, p, nil))
			time.Sleep(time.Second)
			lease.Release(Outcome{Class: Answered, Status: 200})
		}
		require.InDelta(t, 1, at(p, 0).service.Seconds(false), 1e-9)
	})
}
