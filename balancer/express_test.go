package balancer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var expressQueue = QueueOptions{Order: Express, MaxRequests: 10, MaxWait: 30 * time.Second}

// newExpressPool has n endpoints of one slot each, and has seen requests of work 1.
func newExpressPool(t testing.TB, n int, o QueueOptions) *Pool {
	t.Helper()
	p := newQueuePool(t, n, o)
	for range usualKnown {
		lease, err := p.Acquire(&Request{Work: 1})
		require.NoError(t, err)
		lease.Release(Outcome{})
	}
	return p
}

// acquire takes a slot that must be free.
func acquire(t testing.TB, p *Pool, work float64) Lease {
	t.Helper()
	lease, err := p.Acquire(&Request{Work: work})
	require.NoError(t, err)
	return lease
}

func TestExpressKeepsTheLastSlot(t *testing.T) {
	p := newExpressPool(t, 3, expressQueue)
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

// TestExpressHoldsBackFew: the third long request shows that all slots are needed.
func TestExpressHoldsBackFew(t *testing.T) {
	p := newExpressPool(t, 2, expressQueue)
	busy := acquire(t, p, 9)
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
	assertIdle(t, p)
}

func TestExpressServesWhereNothingIsGainedByWaiting(t *testing.T) {
	t.Run("the only slot", func(t *testing.T) {
		p := newExpressPool(t, 1, expressQueue)
		acquire(t, p, 1000).Release(Outcome{})
		assertIdle(t, p)
	})
	t.Run("nobody may wait", func(t *testing.T) {
		p := newExpressPool(t, 2, QueueOptions{Order: Express})
		a, b := acquire(t, p, 1000), acquire(t, p, 1000)
		a.Release(Outcome{})
		b.Release(Outcome{})
	})
	t.Run("an endpoint without limit", func(t *testing.T) {
		p := newExpressPool(t, 2, expressQueue)
		unlimited := slotted(2, 1)
		unlimited[1].Slots = 0
		require.NoError(t, p.Apply(queued(expressQueue), unlimited))
		for range 5 {
			acquire(t, p, 1000).Release(Outcome{})
		}
	})
	t.Run("the mean is not known yet", func(t *testing.T) {
		p := newQueuePool(t, 2, expressQueue)
		acquire(t, p, 1)
		acquire(t, p, 1000)
	})
	t.Run("an endpoint that cannot be reached", func(t *testing.T) {
		p := newExpressPool(t, 2, expressQueue)
		acquire(t, p, 1).Release(Outcome{Class: ConnectFailed})
		acquire(t, p, 1000)
	})
	t.Run("all may be excluded", func(t *testing.T) {
		p := newExpressPool(t, 2, expressQueue)
		acquire(t, p, 1)
		_, err := p.Acquire(&Request{Work: 1000, Exclude: []*Endpoint{at(p, 0), at(p, 1)}})
		require.ErrorIs(t, err, ErrNoEndpoint)
	})
}

// TestExpressHoldsNobodyBackForLong: for half of MaxWait at most, though nothing happens.
func TestExpressHoldsNobodyBackForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newExpressPool(t, 2, expressQueue)
		busy := acquire(t, p, 9)
		came := time.Now()
		w := enqueue(t, p, &Request{Work: 9})
		lease, err := w.Wait()
		require.NoError(t, err)
		assert.Equal(t, expressQueue.MaxWait/2+1, time.Since(came))
		lease.Release(Outcome{})
		w.Recycle()
		busy.Release(Outcome{})
		assertIdle(t, p)
	})
}

// TestExpressAsksThePolicy: also about those who are turned away, once.
func TestExpressAsksThePolicy(t *testing.T) {
	p := newExpressPool(t, 2, expressQueue)
	busy := acquire(t, p, 9)
	picker := p.snapshot.Load().seats.picker.(*turnsPicker)
	asked := picker.picks
	_, err := p.Acquire(&Request{Work: 9})
	require.ErrorIs(t, err, ErrFull)
	assert.Equal(t, asked+1, picker.picks)
	busy.Release(Outcome{})
}
