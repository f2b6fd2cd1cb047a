package balancer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

var patientQueue = QueueOptions{MaxRequests: 10, MaxWait: time.Minute}

// newTimedPool has endpoints of one slot each, whose service times are known to be so many
// seconds; of one with 0 nothing is known.
func newTimedPool(t testing.TB, o QueueOptions, seconds ...float64) *Pool {
	t.Helper()
	p := newQueuePool(t, len(seconds), o)
	for i, seconds := range seconds {
		for range dispatch.Tuned.ServiceKnown {
			if seconds > 0 {
				at(p, i).service.Learn(time.Duration(seconds*float64(time.Second)), 1, false)
			}
		}
		at(p, i).service.Touch(p.queue.now())
	}
	return p
}

// TestASlowSlotIsLeft: with one request ahead the fast slot is worth waiting for, with two it is
// not.
func TestASlowSlotIsLeft(t *testing.T) {
	p := newTimedPool(t, patientQueue, 1, 0.1)
	fast := acquireOnly(t, p, 1)
	_, err := p.Acquire(nil)
	require.ErrorIs(t, err, ErrFull)
	first, second := enqueue(t, p, nil), enqueue(t, p, nil)
	require.False(t, first.Bound())
	require.False(t, second.Bound(), "0.3 s here beside 1 s there")

	third := enqueue(t, p, nil)
	require.True(t, third.Bound(), "0.4 s and more")
	require.Equal(t, at(p, 0), third.endpoint)
	fast.Release(Outcome{})
	require.True(t, first.Bound(), "who came first has the fast one")
	require.Equal(t, at(p, 1), first.endpoint)
	require.False(t, second.Bound())
	wait(t, first).Release(Outcome{})
	for _, w := range []*Waiter{second, third} {
		wait(t, w).Release(Outcome{})
	}
	assertIdle(t, p)
}

// acquireOnly takes the free slot of that endpoint.
func acquireOnly(t testing.TB, p *Pool, i int) Lease {
	t.Helper()
	var others []*Endpoint
	for _, e := range p.Snapshot().Endpoints {
		if e.Endpoint != at(p, i) {
			others = append(others, e.Endpoint)
		}
	}
	lease, err := p.Acquire(&Request{Exclude: others})
	require.NoError(t, err)
	return lease
}

func TestNoSlotIsTooSlow(t *testing.T) {
	for name, c := range map[string]struct {
		seconds []float64
		queue   QueueOptions
		after   func(t *testing.T, p *Pool)
		asks    func(p *Pool) *Request
	}{
		"where it is not much slower":       {seconds: []float64{1, 0.3}},
		"that nobody has measured":          {seconds: []float64{0, 0.1}},
		"where the fast one is unknown":     {seconds: []float64{1, 0}},
		"for who may not have the fast one": {seconds: []float64{1, 0.1}, asks: func(p *Pool) *Request { return &Request{Exclude: []*Endpoint{at(p, 1)}} }},
		"where nobody may wait":             {seconds: []float64{1, 0.1}, queue: QueueOptions{MaxWait: time.Second}},
		"beside one that cannot be reached": {seconds: []float64{1, 0.1}, after: func(t *testing.T, p *Pool) { acquireOnly(t, p, 1).Release(Outcome{Class: ConnectFailed}) }},
		"beside one that drains": {seconds: []float64{1, 0.1}, after: func(t *testing.T, p *Pool) {
			_, err := p.SetCondition(at(p, 1).name, Draining, true, "")
			require.NoError(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.queue == (QueueOptions{}) {
				c.queue = patientQueue
			}
			p := newTimedPool(t, c.queue, c.seconds...)
			if c.after != nil {
				c.after(t, p)
			} else {
				acquireOnly(t, p, 1)
			}
			var r *Request
			if c.asks != nil {
				r = c.asks(p)
			}
			lease, err := p.Acquire(r)
			require.NoError(t, err)
			require.Equal(t, at(p, 0), lease.Endpoint())
		})
	}
}

// TestPatienceEnds: when half of what could be gained is lost, though nothing happens; and when
// the fast endpoint drains.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTimedPool(t, patientQueue, 1, 0.1)
		fast := acquireOnly(t, p, 1)
		came := time.Now()
		held := enqueue(t, p, nil)
		require.Equal(t, 450*time.Millisecond, p.Queue().HeldUntil-p.queue.now())
		lease, err := held.Wait()
		require.NoError(t, err)
		assert.Equal(t, at(p, 0), lease.Endpoint())
		assert.Equal(t, 450*time.Millisecond, time.Since(came))
		require.Zero(t, p.Queue().HeldUntil)
		lease.Release(Outcome{})

		w := enqueue(t, p, nil)
		_, err = p.SetCondition(at(p, 1).name, Draining, true, "")
		require.NoError(t, err)
		require.True(t, w.Bound())
		wait(t, w).Release(Outcome{})
		fast.Release(Outcome{})
		assertIdle(t, p)
	})
}

// TestPatienceIsOfItsSize: a request that is predicted to be long gains more by waiting, if
// predictions are trusted.
func TestPatienceIsOfItsSize(t *testing.T) {
	p := newSizedPool(t, 2, shortestQueue)
	for range dispatch.Tuned.ServiceKnown {
		at(p, 0).service.Learn(400*time.Millisecond, 1, false)
		at(p, 1).service.Learn(100*time.Millisecond, 1, false)
	}
	fast := acquireOnly(t, p, 1)
	acquire(t, p, 1).Release(Outcome{})
	w := enqueue(t, p, &Request{Work: 8})
	require.False(t, w.Bound(), "0.9 s beside 3.2 s")
	w.Poke()
	_, err := w.Wait()
	require.ErrorIs(t, err, ErrPoked)
	p.queue.sizes.Long.Value = 0
	acquire(t, p, 8).Release(Outcome{})
	fast.Release(Outcome{})
	assertIdle(t, p)
}

// TestPatienceIsOfTheFreeSlot: what can be gained is reckoned from the slot that is free, and
// not from a slower one that is taken.
func TestPatienceIsOfTheFreeSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTimedPool(t, patientQueue, 1, 0.1, 100)
		acquireOnly(t, p, 1)
		acquireOnly(t, p, 2)
		came := time.Now()
		lease, err := enqueue(t, p, nil).Wait()
		require.NoError(t, err)
		assert.Equal(t, at(p, 0), lease.Endpoint())
		assert.LessOrEqual(t, time.Since(came), 450*time.Millisecond)
	})
}

// TestNobodyOvertakesWhoIsHeldBack: when its patience ends it takes the slot before any other.
func TestNobodyOvertakesWhoIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTimedPool(t, patientQueue, 1, 0.1, 100)
		acquireOnly(t, p, 1)
		acquireOnly(t, p, 2)
		first := enqueue(t, p, nil)
		time.Sleep(20 * time.Second)
		require.True(t, first.Bound())
		_, err := p.Acquire(nil)
		require.ErrorIs(t, err, ErrFull)
	})
}

// TestAHungEndpointIsNotWaitedFor for long: after some silence it counts as slow.
func TestAHungEndpointIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTimedPool(t, patientQueue, 1, 0.1)
		acquireOnly(t, p, 1)
		begin, waited := time.Now(), 0
		for range 100 {
			lease, err := p.Acquire(nil)
			if err != nil {
				waited++
				lease, err = enqueue(t, p, nil).Wait()
			}
			require.NoError(t, err)
			require.Equal(t, at(p, 0), lease.Endpoint())
			time.Sleep(time.Second)
			lease.Release(Outcome{Class: Answered, Status: 200})
		}
		t.Logf("%d waited, 100 took %v", waited, time.Since(begin))
		require.LessOrEqual(t, waited, 2)
	})
}

// TestAReloadKeepsThePromise: a request that is held back waits for half of the least MaxWait
// that was in force meanwhile, and no longer.
func TestAReloadKeepsThePromise(t *testing.T) {
	for name, c := range map[string]struct{ maxWait, want time.Duration }{
		"shorter": {2 * time.Second, time.Second}, "longer": {10 * time.Minute, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newSizedPool(t, 3, shortestQueue)
				acquire(t, p, 9)
				acquire(t, p, 9)
				came := time.Now()
				w := enqueue(t, p, &Request{Work: 9})
				reloaded := shortestQueue
				reloaded.MaxWait = c.maxWait
				require.NoError(t, p.Apply(queued(reloaded), slotted(3, 1)))
				_, err := w.Wait()
				require.NoError(t, err)
				require.Equal(t, c.want+1, time.Since(came))
			})
		})
	}
}

// TestOneMoreWhoWaits may let one take its slot that was held back, though it gets none itself.
func TestOneMoreWhoWaits(t *testing.T) {
	t.Run("a third one", func(t *testing.T) {
		p := newSizedPool(t, 3, shortestQueue)
		acquireOnly(t, p, 0)
		acquireOnly(t, p, 1)
		long, longer := enqueue(t, p, &Request{Work: 9}), enqueue(t, p, &Request{Work: 10})
		require.False(t, long.Bound())
		enqueue(t, p, &Request{Work: 1, Exclude: []*Endpoint{at(p, 2)}})
		require.True(t, long.Bound())
		require.False(t, longer.Bound())
	})
	t.Run("one before it", func(t *testing.T) {
		p := newTimedPool(t, QueueOptions{Order: ShortestFirst, MaxRequests: 10, MaxWait: time.Minute}, 1, 0.1)
		acquireOnly(t, p, 1)
		first, second := enqueue(t, p, &Request{Work: 9}), enqueue(t, p, &Request{Work: 9})
		require.False(t, second.Bound())
		enqueue(t, p, &Request{Work: 1, Exclude: []*Endpoint{at(p, 0)}})
		require.True(t, first.Bound() != second.Bound(), "one of them has two before it")
	})
}

// TestAServiceTimeThatFalls: a slot that was slow, and is no longer, is not left free.
func TestAServiceTimeThatFalls(t *testing.T) {
	p := newTimedPool(t, patientQueue, 100, 1)
	endpoints := slotted(2, 1)
	endpoints[0].Slots = 3
	require.NoError(t, p.Apply(queued(patientQueue), endpoints))
	slow := acquireOnly(t, p, 0)
	acquireOnly(t, p, 1)
	w := enqueue(t, p, nil)
	require.False(t, w.Bound())
	for range 10 * dispatch.Tuned.ServiceHorizon {
		at(p, 0).service.Learn(time.Second, 1, false)
	}
	slow.Release(Outcome{})
	require.True(t, w.Bound())
}

// TestManyDoNotWaitForOne: it would cost too much, since all are asked about again and again.
func TestManyDoNotWaitForOne(t *testing.T) {
	options := QueueOptions{MaxRequests: 1000, MaxWait: time.Minute}
	p := newTimedPool(t, options, 1000, 0.001)
	endpoints := slotted(2, 100)
	require.NoError(t, p.Apply(queued(options), endpoints))
	for range 100 {
		acquireOnly(t, p, 1)
	}
	for i := range dispatch.Tuned.MostPatient + 10 {
		require.Equal(t, i >= dispatch.Tuned.MostPatient, enqueue(t, p, nil).Bound())
	}
}

// TestManyEndpointsAreNotCompared: to compare so many would cost too much.
func TestManyEndpointsAreNotCompared(t *testing.T) {
	for n, held := range map[int]bool{dispatch.Tuned.MostCompared: true, dispatch.Tuned.MostCompared + 1: false} {
		seconds := make([]float64, n)
		for i := range seconds {
			seconds[i] = 0.1
		}
		seconds[0] = 100
		p := newTimedPool(t, patientQueue, seconds...)
		for i := range n - 1 {
			acquireOnly(t, p, i+1)
		}
		_, err := p.Acquire(nil)
		require.Equal(t, held, err != nil, "%d endpoints", n)
	}
}

// TestWhoHasAgedIsAhead of all others, also of one that is less work.
func TestWhoHasAgedIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTimedPool(t, shortestQueue, 1, 0.1)
		acquireOnly(t, p, 1)
		for range 2 { // they may have neither
			enqueue(t, p, &Request{Work: 9, Exclude: []*Endpoint{at(p, 0)}})
		}
		_, err := p.Acquire(&Request{Work: 1})
		require.ErrorIs(t, err, ErrFull, "it would be the first to have the fast one")
		at(p, 1).service.Touch(p.queue.now() + shortestQueue.MaxWait)
		time.Sleep(shortestQueue.MaxWait/2 + 1)
		acquire(t, p, 1)
	})
}
