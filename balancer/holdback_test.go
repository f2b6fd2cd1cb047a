package balancer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var shortestQueue = QueueOptions{Order: ShortestFirst, MaxRequests: 10, MaxWait: 30 * time.Second}

// newSizedPool has n endpoints of one slot each, and has seen requests of work 1.
func newSizedPool(t testing.TB, n int, o QueueOptions) *Pool {
	t.Helper()
	p := newQueuePool(t, n, o)
	for range usualKnown {
		lease, err := p.Acquire(&Request{Work: 1})
		require.NoError(t, err)
		lease.Release(Outcome{})
	}
	p.prove()
	return p
}

// prove makes the pool believe what is predicted of long requests.
func (p *Pool) prove() {
	p.pick.Lock()
	defer p.pick.Unlock()
	p.queue.longOnes = mean{value: math.Log(longWork), seen: longHorizon}
}

// acquire takes a slot that must be free.
func acquire(t testing.TB, p *Pool, work float64) Lease {
	t.Helper()
	lease, err := p.Acquire(&Request{Work: work})
	require.NoError(t, err)
	return lease
}

func TestTheLastSlotIsKept(t *testing.T) {
	p := newSizedPool(t, 3, shortestQueue)
	first, second := acquire(t, p, 9), acquire(t, p, 9)
	long := &Request{Work: 9}
	_, err := p.Acquire(long)
	require.ErrorIs(t, err, ErrFull, "a long request leaves the last slot to others")
	w := enqueue(t, p, long)
	require.False(t, w.Bound())

	short := acquire(t, p, 4)
	first.Release(Outcome{})
	require.False(t, w.Bound(), "again one slot is free")
	short.Release(Outcome{})
	require.True(t, w.Bound(), "two were free")
	wait(t, w).Release(Outcome{})
	second.Release(Outcome{})
	assertIdle(t, p)
}

// TestFewAreHeldBack: the third long request shows that all slots are needed.
func TestFewAreHeldBack(t *testing.T) {
	p := newSizedPool(t, 3, shortestQueue)
	busy, other := acquire(t, p, 9), acquire(t, p, 9)
	var waiters []*Waiter
	for _, work := range []float64{10, 9, 11} {
		waiters = append(waiters, enqueue(t, p, &Request{Work: work}))
	}
	require.False(t, waiters[0].Bound())
	require.False(t, waiters[2].Bound())
	wait(t, waiters[1]).Release(Outcome{})
	require.False(t, waiters[0].Bound(), "two may be held back")
	busy.Release(Outcome{})
	require.True(t, waiters[0].Bound())
	require.False(t, waiters[2].Bound(), "the other slot is the last one now")
	wait(t, waiters[0]).Release(Outcome{})
	require.True(t, waiters[2].Bound())
	wait(t, waiters[2]).Release(Outcome{})
	other.Release(Outcome{})
	assertIdle(t, p)
}

func TestNobodyIsHeldBackForNothing(t *testing.T) {
	t.Run("a first-come queue", func(t *testing.T) {
		p := newSizedPool(t, 3, QueueOptions{Order: FIFO, MaxRequests: 10, MaxWait: time.Minute})
		takeAll(t, p, 3)
	})
	t.Run("two slots", func(t *testing.T) {
		p := newSizedPool(t, 2, shortestQueue)
		takeAll(t, p, 2)
	})
	t.Run("nobody may wait", func(t *testing.T) {
		p := newSizedPool(t, 3, QueueOptions{Order: ShortestFirst})
		takeAll(t, p, 3)
	})
	t.Run("an endpoint without limit", func(t *testing.T) {
		p := newSizedPool(t, 3, shortestQueue)
		unlimited := slotted(3, 1)
		unlimited[1].Slots = 0
		require.NoError(t, p.Apply(queued(shortestQueue), unlimited))
		takeAll(t, p, 5)
	})
	t.Run("the mean is not known yet", func(t *testing.T) {
		p := newQueuePool(t, 3, shortestQueue)
		acquire(t, p, 1)
		acquire(t, p, 1000)
		acquire(t, p, 1000)
	})
	t.Run("an endpoint that cannot be reached", func(t *testing.T) {
		p := newSizedPool(t, 3, shortestQueue)
		acquire(t, p, 1).Release(Outcome{Class: ConnectFailed})
		acquire(t, p, 1000)
		acquire(t, p, 1000)
	})
	t.Run("all may be excluded", func(t *testing.T) {
		p := newSizedPool(t, 3, shortestQueue)
		acquire(t, p, 1)
		acquire(t, p, 1)
		_, err := p.Acquire(&Request{Work: 1000, Exclude: []*Endpoint{at(p, 0), at(p, 1), at(p, 2)}})
		require.ErrorIs(t, err, ErrNoEndpoint)
	})
}

// takeAll lets n long requests begin at once.
func takeAll(t *testing.T, p *Pool, n int) {
	t.Helper()
	var leases []Lease
	for range n {
		leases = append(leases, acquire(t, p, 1000))
	}
	for _, l := range leases {
		l.Release(Outcome{})
	}
	assertIdle(t, p)
}

// TestNobodyIsHeldBackForLong: for half of MaxWait at most, though nothing happens.
func TestNobodyIsHeldBackForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSizedPool(t, 3, shortestQueue)
		busy, other := acquire(t, p, 9), acquire(t, p, 9)
		came := time.Now()
		w := enqueue(t, p, &Request{Work: 9})
		lease, err := w.Wait()
		require.NoError(t, err)
		assert.Equal(t, shortestQueue.MaxWait/2+1, time.Since(came))
		lease.Release(Outcome{})
		w.Recycle()
		busy.Release(Outcome{})
		other.Release(Outcome{})
		assertIdle(t, p)
	})
}

// TestThePolicyIsAskedAboutThoseHeldBack: once.
func TestThePolicyIsAskedAboutThoseHeldBack(t *testing.T) {
	p := newSizedPool(t, 3, shortestQueue)
	busy, other := acquire(t, p, 9), acquire(t, p, 9)
	picker := p.snapshot.Load().seats.picker.(*turnsPicker)
	asked := picker.picks
	_, err := p.Acquire(&Request{Work: 9})
	require.ErrorIs(t, err, ErrFull)
	assert.Equal(t, asked+1, picker.picks)
	busy.Release(Outcome{})
	other.Release(Outcome{})
}

// newPacedPool has endpoints of one slot each that are known to take so many seconds; of
// one with 0 nothing is known.
func newPacedPool(t testing.TB, o QueueOptions, paces ...float64) *Pool {
	t.Helper()
	p := newQueuePool(t, len(paces), o)
	for i, seconds := range paces {
		for range paceKnown {
			if seconds > 0 {
				at(p, i).pace.learn(time.Duration(seconds*float64(time.Second)), 1)
			}
		}
	}
	return p
}

// TestASlowSlotIsLeft: with one ahead the fast one is worth waiting for, with two it is not.
func TestASlowSlotIsLeft(t *testing.T) {
	p := newPacedPool(t, QueueOptions{MaxRequests: 10, MaxWait: time.Minute}, 1, 0.1)
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
	queue := QueueOptions{MaxRequests: 10, MaxWait: time.Minute}
	for name, c := range map[string]struct {
		paces []float64
		queue QueueOptions
		after func(t *testing.T, p *Pool)
		asks  func(p *Pool) *Request
	}{
		"where it is not much slower":       {paces: []float64{1, 0.3}},
		"that nobody has measured":          {paces: []float64{0, 0.1}},
		"where the fast one is unknown":     {paces: []float64{1, 0}},
		"for who may not have the fast one": {paces: []float64{1, 0.1}, asks: func(p *Pool) *Request { return &Request{Exclude: []*Endpoint{at(p, 1)}} }},
		"where nobody may wait":             {paces: []float64{1, 0.1}, queue: QueueOptions{MaxWait: time.Second}},
		"beside one that cannot be reached": {paces: []float64{1, 0.1}, after: func(t *testing.T, p *Pool) { acquireOnly(t, p, 1).Release(Outcome{Class: ConnectFailed}) }},
		"beside one that drains": {paces: []float64{1, 0.1}, after: func(t *testing.T, p *Pool) {
			_, err := p.SetCondition(at(p, 1).name, Draining, true, "")
			require.NoError(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.queue == (QueueOptions{}) {
				c.queue = queue
			}
			p := newPacedPool(t, c.queue, c.paces...)
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

// TestPatienceEnds: when half of what could be gained is lost, though nothing happens; and
// with it when the fast one is gone.
func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacedPool(t, QueueOptions{MaxRequests: 10, MaxWait: time.Minute}, 1, 0.1)
		fast := acquireOnly(t, p, 1)
		came := time.Now()
		lease, err := enqueue(t, p, nil).Wait()
		require.NoError(t, err)
		assert.Equal(t, at(p, 0), lease.Endpoint())
		assert.Equal(t, 450*time.Millisecond+1, time.Since(came))
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

// TestPatienceIsOfItsSize: what is predicted to be long gains more by waiting, if
// predictions have proved to say something.
func TestPatienceIsOfItsSize(t *testing.T) {
	p := newSizedPool(t, 2, shortestQueue)
	for range paceKnown {
		at(p, 0).pace.learn(400*time.Millisecond, 1)
		at(p, 1).pace.learn(100*time.Millisecond, 1)
	}
	fast := acquireOnly(t, p, 1)
	acquire(t, p, 1).Release(Outcome{})
	w := enqueue(t, p, &Request{Work: 8})
	require.False(t, w.Bound(), "0.9 s beside 3.2 s")
	w.Poke()
	_, err := w.Wait()
	require.ErrorIs(t, err, ErrPoked)
	p.queue.longOnes.value = 0
	acquire(t, p, 8).Release(Outcome{})
	fast.Release(Outcome{})
	assertIdle(t, p)
}

// TestPaceIsOfWhatWasServed: what failed, or what was cut, says nothing of it.
func TestPaceIsOfWhatWasServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: time.Minute})
		serve := func(took time.Duration, o Outcome) {
			lease := acquire(t, p, 0)
			time.Sleep(took)
			lease.Release(o)
		}
		for range paceKnown - 1 {
			serve(2*time.Second, Outcome{Class: Answered, Status: 200})
			for _, o := range []Outcome{{Class: Answered, Status: 500}, {Class: Truncated, Status: 200}, {Class: ClientGone}} {
				serve(time.Millisecond, o)
			}
		}
		require.Zero(t, at(p, 0).pace.get())
		w := enqueueBehind(t, p, func() { time.Sleep(time.Hour) })
		time.Sleep(2 * time.Second) // the time in the queue does not count
		w.Release(Outcome{Class: Answered, Status: 200})
		require.InDelta(t, 2, at(p, 0).pace.get(), 1e-9)
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

// TestPredictionsMustProve: else no slot is kept, and patience goes by the usual request.
func TestPredictionsMustProve(t *testing.T) {
	for name, c := range map[string]struct {
		took time.Duration // by those that were predicted to be long
		held bool
	}{"they do": {8 * time.Second, true}, "they do not": {time.Second, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newQueuePool(t, 3, shortestQueue)
				for i := range 10 * (longKnown + usualKnown) {
					r, took := &Request{Work: 1}, time.Second
					if i%10 == 9 {
						r.Work, took = 16, c.took
					}
					lease, err := p.Acquire(r)
					require.NoError(t, err)
					time.Sleep(took)
					lease.Release(Outcome{Class: Answered, Status: 200})
				}
				acquire(t, p, 1)
				acquire(t, p, 1)
				_, err := p.Acquire(&Request{Work: 16})
				require.Equal(t, c.held, err != nil)
			})
		})
	}
}

// TestAColdStartIsNoPace: one request that took 600 times as long makes no endpoint slow.
func TestAColdStartIsNoPace(t *testing.T) {
	var p pace
	p.learn(time.Minute, 1)
	for range paceKnown - 1 {
		p.learn(100*time.Millisecond, 1)
	}
	require.InDelta(t, 0.19, p.get(), 0.01)
}
