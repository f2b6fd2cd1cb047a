package balancer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

var shortestQueue = QueueOptions{Order: ShortestFirst, MaxRequests: 10, MaxWait: 30 * time.Second}

// newSizedPool has n endpoints of one slot each, and has seen requests of work 1.
func newSizedPool(t testing.TB, n int, o QueueOptions) *Pool {
	t.Helper()
	p := newQueuePool(t, n, o)
	for range dispatch.Tuned.UsualKnown {
		lease, err := p.Acquire(&Request{Work: 1})
		require.NoError(t, err)
		lease.Release(Outcome{})
	}
	p.prove()
	return p
}

// prove makes the pool trust its predictions.
func (p *Pool) prove() {
	p.pick.Lock()
	defer p.pick.Unlock()
	p.queue.sizes.Long = dispatch.Mean{Value: math.Log(dispatch.Tuned.LongWork), Seen: dispatch.Tuned.LongHorizon}
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

// TestThePolicyIsAskedAboutThoseHeldBack once, as about every request that comes.
func TestThePolicyIsAskedAboutThoseHeldBack(t *testing.T) {
	p := newSizedPool(t, 3, shortestQueue)
	busy, other := acquire(t, p, 9), acquire(t, p, 9)
	picker := p.snapshot.Load().seats.guard.picker.(*turnsPicker)
	asked := picker.picks
	_, err := p.Acquire(&Request{Work: 9})
	require.ErrorIs(t, err, ErrFull)
	assert.Equal(t, asked+1, picker.picks)
	busy.Release(Outcome{})
	other.Release(Outcome{})
}

// TestPredictionsMustProve: if long requests take no longer than others, no slot is kept free.
func TestPredictionsMustProve(t *testing.T) {
	for name, c := range map[string]struct {
		took time.Duration // by those that were predicted to be long
		held bool
	}{"they do": {8 * time.Second, true}, "they do not": {time.Second, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newQueuePool(t, 3, shortestQueue)
				for i := range 10 * (dispatch.Tuned.LongKnown + dispatch.Tuned.UsualKnown) {
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

// TestFewLongOnesProveNothing: it takes ten that took as long as predicted.
func TestFewLongOnesProveNothing(t *testing.T) {
	p := newSizedPool(t, 3, shortestQueue)
	p.queue.sizes.Long.Seen = dispatch.Tuned.LongKnown - 1
	acquire(t, p, 50)
	acquire(t, p, 50)
	acquire(t, p, 50).Release(Outcome{})
	p.queue.sizes.Long.Seen = dispatch.Tuned.LongKnown
	_, err := p.Acquire(&Request{Work: 50})
	require.ErrorIs(t, err, ErrFull)
}

// TestTakeAtOnce: nobody is held back, and those who were take their slots when it is set.
func TestTakeAtOnce(t *testing.T) {
	atOnce := shortestQueue
	atOnce.TakeAtOnce = true
	t.Run("the last slot", func(t *testing.T) { takeAll(t, newSizedPool(t, 3, atOnce), 3) })
	t.Run("a slow one", func(t *testing.T) {
		p := newTimedPool(t, atOnce, 1, 0.1)
		acquireOnly(t, p, 1)
		require.Equal(t, at(p, 0), acquire(t, p, 1).Endpoint())
	})
	t.Run("a reload", func(t *testing.T) {
		p := newSizedPool(t, 3, shortestQueue)
		acquire(t, p, 9)
		acquire(t, p, 9)
		w := enqueue(t, p, &Request{Work: 9})
		require.False(t, w.Bound())
		require.NoError(t, p.Apply(queued(atOnce), slotted(3, 1)))
		require.True(t, w.Bound())
		require.Zero(t, p.Queue().HeldUntil)
	})
}
