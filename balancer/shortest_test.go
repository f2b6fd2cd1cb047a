package balancer

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clock is a pool's clock that stands still until it is moved.
type clock struct{ at time.Duration }

func (c *clock) now() time.Duration { return c.at }

// newClockedPool has n endpoints of one slot each and a clock of its own.
func newClockedPool(t testing.TB, n int, o QueueOptions) (*Pool, *clock) {
	t.Helper()
	c := &clock{at: 5 * time.Hour}
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}, Queue: o, Now: c.now}, slotted(n, 1)))
	return p, c
}

// served releases the lease until nobody waits, and returns the waiters in the order in
// which they were bound, as indexes.
func served(t testing.TB, lease Lease, waiters []*Waiter) (order []int) {
	t.Helper()
	for range waiters {
		lease.Release(Outcome{})
		for i, w := range waiters {
			if w != nil && w.Bound() {
				order = append(order, i)
				lease = wait(t, w)
				waiters[i] = nil
				break
			}
		}
	}
	lease.Release(Outcome{})
	return order
}

func TestShortestFirst(t *testing.T) {
	o := testQueue
	o.Order = ShortestFirst
	p := newQueuePool(t, 1, o)
	lease := fill(t, p)[0]
	var waiters []*Waiter
	for _, work := range []float64{5, 1, math.Inf(1), 3, 1, 0, 5, -2, math.NaN()} {
		waiters = append(waiters, enqueue(t, p, &Request{Work: work}))
	}
	waiters = append(waiters, enqueue(t, p, nil))
	assert.Equal(t, []int{5, 7, 8, 9, 1, 4, 3, 0, 6, 2}, served(t, lease, waiters),
		"unknown work counts as the least, and of equal work who came first goes first")
	assertIdle(t, p)
}

func TestFIFOIgnoresWork(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	var waiters []*Waiter
	for _, work := range []float64{3, 0, 2, 1} {
		waiters = append(waiters, enqueue(t, p, &Request{Work: work}))
	}
	assert.Equal(t, []int{0, 1, 2, 3}, served(t, lease, waiters))
}

// TestAgedGoFirst: a request that has waited for more than half of MaxWait goes before all younger ones.
func TestAgedGoFirst(t *testing.T) {
	p, c := newClockedPool(t, 1, QueueOptions{Order: ShortestFirst, MaxRequests: 10, MaxWait: 20 * time.Second})
	lease := fill(t, p)[0]
	waiters := []*Waiter{enqueue(t, p, &Request{Work: 8}), enqueue(t, p, &Request{Work: 9}), enqueue(t, p, &Request{Work: 7})}
	c.at++
	waiters = append(waiters, enqueue(t, p, &Request{Work: 2}))
	c.at += 10 * time.Second // to the instant at which the last has waited for half
	waiters = append(waiters, enqueue(t, p, &Request{Work: 3}), enqueue(t, p, &Request{Work: 1}))
	assert.Equal(t, []int{0, 1, 2, 5, 3, 4}, served(t, lease, waiters))
	assertIdle(t, p)
}

// TestNoneWaitsWithoutBound keeps the queue full of short requests, so that a long one is never
// the shortest. From half of MaxWait on only those that came before it may go before it.
func TestNoneWaitsWithoutBound(t *testing.T) {
	const limit, serviceTime, maxWait = 50, 100 * time.Millisecond, 30 * time.Second
	p, c := newClockedPool(t, 1, QueueOptions{Order: ShortestFirst, MaxRequests: limit, MaxWait: maxWait})
	lease := fill(t, p)[0]
	waiters := map[*Waiter]bool{}
	for range limit - 1 {
		waiters[enqueue(t, p, &Request{Work: 1})] = true
	}
	long := enqueue(t, p, &Request{Work: 1000})
	came, after := c.at, 0
	for !long.Bound() {
		c.at += serviceTime
		lease.Release(Outcome{})
		for w := range waiters {
			if w.Bound() {
				lease = wait(t, w)
				delete(waiters, w)
				waiters[enqueue(t, p, &Request{Work: 1})] = true
				break
			}
		}
		if c.at-came > maxWait/2 {
			after++
		}
		require.LessOrEqual(t, after, limit, "the bound of ShortestFirst")
	}
	assert.Greater(t, c.at-came, maxWait/2, "it was put off as long as it may be")
	wait(t, long).Release(Outcome{})
}

// TestOrderOfWaitingCanBeChanged: those who wait are served in the order in force.
func TestOrderOfWaitingCanBeChanged(t *testing.T) {
	p, c := newClockedPool(t, 1, QueueOptions{MaxRequests: 10, MaxWait: time.Minute})
	lease := fill(t, p)[0]
	var waiters []*Waiter
	for _, work := range []float64{4, 3, 2, 1, 5} {
		waiters = append(waiters, enqueue(t, p, &Request{Work: work}))
		c.at += 10 * time.Second
	}
	apply := func(o Order, maxWait time.Duration) {
		require.NoError(t, p.Apply(queued(QueueOptions{Order: o, MaxRequests: 10, MaxWait: maxWait}), slotted(1, 1)))
	}
	next := func() int {
		lease.Release(Outcome{})
		for i, w := range waiters {
			if w != nil && w.Bound() {
				lease, waiters[i] = wait(t, w), nil
				return i
			}
		}
		return -1
	}
	apply(ShortestFirst, time.Minute)
	assert.Equal(t, 0, next(), "waits for 50 s, has aged")
	assert.Equal(t, 1, next(), "waits for 40 s, has aged")
	assert.Equal(t, 3, next(), "the shortest of those that have not")
	apply(ShortestFirst, 18*time.Second)
	assert.Equal(t, 2, next(), "with the shorter wait all have aged")
	apply(FIFO, time.Minute)
	assert.Equal(t, 4, next())
	assert.Equal(t, c.now(), p.queue.now(), "a pool keeps the clock of its first Apply")
}
