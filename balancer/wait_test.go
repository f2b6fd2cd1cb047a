package balancer

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWaitedTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: 30 * time.Second})
		lease := fill(t, p)[0]
		begin := time.Now()
		w := enqueue(t, p, nil)
		time.Sleep(10 * time.Second) // what is done between Enqueue and Wait counts
		_, err := w.Wait()
		assert.Equal(t, 30*time.Second, time.Since(begin))
		var late *WaitedTooLong
		require.ErrorAs(t, err, &late)
		assert.Equal(t, WaitedTooLong{Limit: 30 * time.Second, RetryAfter: 30 * time.Second}, *late)
		w.Poke()
		w.Recycle()
		assert.Nil(t, p.waiters.Get(), "its timer could not be stopped")
		lease.Release(Outcome{})
		assertIdle(t, p)
	})
}

// TestWaitAfterMaxWait: when Wait is called too late it does not block; but it returns the
// endpoint if that was bound in time.
func TestWaitAfterMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: time.Second})
		lease := fill(t, p)[0]
		first, second := enqueue(t, p, nil), enqueue(t, p, nil)
		lease.Release(Outcome{})
		time.Sleep(time.Minute)
		begin := time.Now()
		lease, err := first.Wait()
		require.NoError(t, err)
		_, err = second.Wait()
		assert.ErrorAs(t, err, new(*WaitedTooLong))
		assert.Zero(t, time.Since(begin))
		lease.Release(Outcome{})
		assertIdle(t, p)
	})
}

func TestWaitUntilBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: 30 * time.Second})
		lease := fill(t, p)[0]
		begin := time.Now()
		for range 3 { // the recycled waiter's timer is set anew each time
			time.AfterFunc(20*time.Second, func() { lease.Release(Outcome{}) })
			w := enqueue(t, p, nil)
			next, err := w.Wait()
			require.NoError(t, err)
			lease = next
			w.Recycle()
		}
		assert.Equal(t, time.Minute, time.Since(begin))
		lease.Release(Outcome{})
		time.Sleep(time.Hour)
		assertIdle(t, p)
	})
}

// TestWaitForEver: no wait is so long that its end lies before its beginning.
func TestWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: math.MaxInt64})
		lease := fill(t, p)[0]
		w := enqueue(t, p, nil)
		time.AfterFunc(1000*time.Hour, func() { lease.Release(Outcome{}) })
		next, err := w.Wait()
		require.NoError(t, err)
		next.Release(Outcome{})
		assertIdle(t, p)
	})
}

func TestPokeWakesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: 30 * time.Second})
		lease := fill(t, p)[0]
		w := enqueue(t, p, nil)
		begin := time.Now()
		time.AfterFunc(7*time.Second, w.Poke)
		_, err := w.Wait()
		assert.ErrorIs(t, err, ErrPoked)
		assert.Equal(t, 7*time.Second, time.Since(begin))
		lease.Release(Outcome{})
		assertIdle(t, p)
	})
}

// TestReleaseAtTheTimersEdge frees the slot, pokes, and lets MaxWait pass in one instant,
// in whatever order the scheduler finds: the first either has the lease or has left, and if it
// has left the next one has the slot.
func TestReleaseAtTheTimersEdge(t *testing.T) {
	const maxWait = time.Second
	for round := range 300 {
		synctest.Test(t, func(t *testing.T) {
			p := newQueuePool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: maxWait})
			lease := fill(t, p)[0]
			first := enqueue(t, p, nil)
			var second *Waiter
			var edge sync.WaitGroup
			edge.Add(2)
			time.AfterFunc(maxWait/2, func() { second = enqueue(t, p, nil) })
			time.AfterFunc(maxWait, func() { defer edge.Done(); lease.Release(Outcome{}) })
			if round%2 == 0 {
				time.AfterFunc(maxWait, func() { defer edge.Done(); first.Poke() })
			} else {
				edge.Done()
			}
			next, err := first.Wait()
			edge.Wait()
			synctest.Wait()
			require.Equal(t, err != nil, second.Bound(), "%v", err)
			if err == nil {
				assert.Equal(t, int64(1), at(p, 0).Load().InFlight())
				next.Release(Outcome{})
			}
			wait(t, second).Release(Outcome{})
			first.Recycle()
			second.Recycle()
			assertIdle(t, p)
		})
	}
}

// TestLateTimerFindsNobody: a timer whose call was under way when the slot came must not
// touch the request that uses the waiter next.
func TestLateTimerFindsNobody(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	w := enqueue(t, p, nil)
	lease.Release(Outcome{})
	w.expire()
	next := wait(t, w)
	w.expire()
	assert.Equal(t, int64(1), at(p, 0).Load().InFlight())
	next.Release(Outcome{})
	w.spent = true // as when the timer could not be stopped
	w.Recycle()
	assert.Nil(t, p.waiters.Get())
	assertIdle(t, p)
}

// TestWaitDoing: what is to be done at each tick is done by whoever waits, until the wait ends in one of its ways.
func TestWaitDoing(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(*Waiter, Lease)
		ticks int
		want  error
	}{
		"bound":    {func(_ *Waiter, l Lease) { l.Release(Outcome{}) }, 2, nil},
		"poked":    {func(w *Waiter, _ Lease) { w.Poke() }, 2, ErrPoked},
		"too late": {func(*Waiter, Lease) {}, 3, &WaitedTooLong{Limit: 30 * time.Second, RetryAfter: 30 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newQueuePool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: 30 * time.Second})
				lease := fill(t, p)[0]
				w := enqueue(t, p, nil)
				ticker := time.NewTicker(9 * time.Second)
				defer ticker.Stop()
				time.AfterFunc(20*time.Second, func() { c.end(w, lease) })
				ticks := 0
				got, err := w.WaitDoing(ticker.C, func() { ticks++ })
				assert.Equal(t, c.want, err)
				assert.Equal(t, c.ticks, ticks)
				if err == nil {
					lease = got
				}
				lease.Release(Outcome{})
				w.Recycle()
				assertIdle(t, p)
			})
		})
	}
}

// TestPokedByWhatItDoes: whoever finds, in the middle of the wait, that nobody waits any more may leave at once.
func TestPokedByWhatItDoes(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	w := enqueue(t, p, nil)
	tick := make(chan time.Time, 1)
	tick <- time.Time{}
	_, err := w.WaitDoing(tick, w.Poke)
	assert.ErrorIs(t, err, ErrPoked)
	lease.Release(Outcome{})
	assertIdle(t, p)
}
