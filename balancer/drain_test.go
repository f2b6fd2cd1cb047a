package balancer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serveEach serves n requests of the queue, one in each interval, and lets another wait for each
// that was served. It returns the lease that is out.
func serveEach(t *testing.T, p *Pool, c *clock, lease Lease, waiters []*Waiter, interval time.Duration, n int) Lease {
	t.Helper()
	for i := range n {
		c.at += interval
		lease.Release(Outcome{})
		w := &waiters[i%len(waiters)]
		lease = wait(t, *w)
		*w = enqueue(t, p, nil)
	}
	return lease
}

func TestRetryAfterIsWhenThoseWhoWaitWillHaveBeenServed(t *testing.T) {
	for name, test := range map[string]struct {
		waiting  int
		interval time.Duration
		want     time.Duration
	}{
		"40 at 10/s":             {40, 100 * time.Millisecond, 4 * time.Second},
		"30 at 2/s":              {30, 500 * time.Millisecond, 15 * time.Second},
		"5 at 100/s, too soon":   {5, 10 * time.Millisecond, time.Second},
		"30 at 1/3/s, too late":  {30, 3 * time.Second, time.Minute},
		"3 at 1 in 2 h, forever": {3, 2 * time.Hour, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			p, c := newClockedPool(t, 1, QueueOptions{MaxRequests: test.waiting, MaxWait: 25 * time.Second})
			lease := fill(t, p)[0]
			waiters := make([]*Waiter, test.waiting)
			for i := range waiters {
				waiters[i] = enqueue(t, p, nil)
			}
			serveEach(t, p, c, lease, waiters, test.interval, 200)
			assert.InEpsilon(t, 1/test.interval.Seconds(), p.Queue().DrainRate, 1e-9)

			_, err := p.Enqueue(nil)
			var full *QueueFull
			require.ErrorAs(t, err, &full)
			assert.InDelta(t, test.want.Seconds(), full.RetryAfter.Seconds(), 1e-6)

			w := waiters[0]
			c.at += p.queue.options.MaxWait
			_, err = w.Wait()
			var late *WaitedTooLong
			require.ErrorAs(t, err, &late)
			assert.Equal(t, 25*time.Second, late.Limit)
			assert.GreaterOrEqual(t, late.RetryAfter, full.RetryAfter, "it has become no better")
		})
	}
}

// TestDrainRateFollows: when the speed changes, the old one is forgotten.
func TestDrainRateFollows(t *testing.T) {
	p, c := newClockedPool(t, 1, testQueue)
	lease := fill(t, p)[0]
	waiters := []*Waiter{enqueue(t, p, nil), enqueue(t, p, nil)}
	lease = serveEach(t, p, c, lease, waiters, 10*time.Millisecond, 5000)
	assert.InEpsilon(t, 100, p.Queue().DrainRate, 1e-9)
	lease = serveEach(t, p, c, lease, waiters, 100*time.Millisecond, 300)
	assert.InEpsilon(t, 10, p.Queue().DrainRate, 0.5, "after three horizons a twentieth of the old rate is left")
	serveEach(t, p, c, lease, waiters, 100*time.Millisecond, 700)
	assert.InEpsilon(t, 10, p.Queue().DrainRate, 0.001)
}

// TestDrainRateIsOfTimeInWhichSomeWait: an idle hour does not make a queue slow.
func TestDrainRateIsOfTimeInWhichSomeWait(t *testing.T) {
	p, c := newClockedPool(t, 1, testQueue)
	lease := fill(t, p)[0]
	for range 20 {
		w := enqueue(t, p, nil)
		c.at += 200 * time.Millisecond
		lease.Release(Outcome{})
		lease = wait(t, w)
		c.at += time.Hour
	}
	assert.InEpsilon(t, 5, p.Queue().DrainRate, 1e-9)
}

func TestQueueState(t *testing.T) {
	assert.Zero(t, NewPool("chat", NewLoads()).Queue(), "before Apply")
	p, c := newClockedPool(t, 1, testQueue)
	assert.Zero(t, p.Queue())
	lease := fill(t, p)[0]
	first := enqueue(t, p, nil)
	assert.Equal(t, QueueState{Waiting: 1}, p.Queue(), "at the instant of its arrival")
	c.at += 3 * time.Second
	enqueue(t, p, nil)
	c.at += 2 * time.Second
	assert.Equal(t, QueueState{Waiting: 2, Oldest: 5 * time.Second}, p.Queue())
	lease.Release(Outcome{})
	wait(t, first)
	state := p.Queue()
	assert.Equal(t, 2*time.Second, state.Oldest)
	assert.InEpsilon(t, 1.0/5, state.DrainRate, 0.3)
	c.at += time.Hour
	assert.Less(t, p.Queue().DrainRate, 0.001, "nobody has been served for long")
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		waiting       int
		drainRate     float64
		maxWait, want time.Duration
	}{
		{10, 4, time.Hour, 2500 * time.Millisecond},
		{10, 100, time.Hour, time.Second},
		{1000, 0.001, time.Second, time.Minute},
		{10, 0, 20 * time.Second, 20 * time.Second}, // nobody was served yet: those who wait will have given up
		{10, 0, time.Millisecond, time.Second},
		{10, 0, time.Hour, time.Minute},
		{0, 0, time.Hour, time.Second},
	} {
		got := QueueState{Waiting: c.waiting, DrainRate: c.drainRate}.RetryAfter(c.maxWait)
		assert.Equal(t, c.want, got, "%+v", c)
	}
}
