package balancer

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slotted is n endpoints of so many slots each.
func slotted(n, slots int) []EndpointOptions {
	list := endpoints(n)
	for i := range list {
		list[i].Slots = slots
	}
	return list
}

// testQueue is a queue in which nobody waits too long by accident.
var testQueue = QueueOptions{MaxRequests: 1000, MaxWait: time.Hour}

func queued(o QueueOptions) Options { return Options{Policy: turns{"turns"}, Queue: o} }

// newQueuePool has n endpoints of one slot each.
func newQueuePool(t testing.TB, n int, o QueueOptions) *Pool {
	t.Helper()
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(queued(o), slotted(n, 1)))
	return p
}

// fill takes every free slot.
func fill(t testing.TB, p *Pool) (leases []Lease) {
	t.Helper()
	for {
		lease, err := p.Acquire(nil)
		if err != nil {
			require.ErrorIs(t, err, ErrFull)
			return leases
		}
		leases = append(leases, lease)
	}
}

func enqueue(t testing.TB, p *Pool, r *Request) *Waiter {
	t.Helper()
	w, err := p.Enqueue(r)
	require.NoError(t, err)
	return w
}

// wait is Wait for a waiter that is bound.
func wait(t testing.TB, w *Waiter) Lease {
	t.Helper()
	require.True(t, w.Bound())
	lease, err := w.Wait()
	require.NoError(t, err)
	return lease
}

func TestQueueHandsSlotsOverInOrder(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases := fill(t, p)
	require.Len(t, leases, 2)
	var waiters []*Waiter
	for range 5 {
		waiters = append(waiters, enqueue(t, p, nil))
	}
	assert.Equal(t, 5, p.Queue().Waiting)
	for i, w := range waiters {
		lease := leases[i]
		lease.Release(Outcome{Class: Answered})
		_, err := p.Acquire(nil)
		assert.ErrorIs(t, err, ErrFull, "nobody overtakes")
		for j, other := range waiters[i+1:] {
			assert.False(t, other.Bound(), "%d before %d", i+1+j, i)
		}
		next := wait(t, w)
		assert.Same(t, lease.Endpoint(), next.Endpoint())
		leases = append(leases, next)
		w.Recycle()
	}
	assert.Zero(t, p.Queue().Waiting)
	for _, lease := range leases {
		lease.Release(Outcome{})
	}
	assertIdle(t, p)
}

func TestEnqueueBindsAtOnceWhenASlotIsFree(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	lease.Release(Outcome{})
	w := enqueue(t, p, nil)
	assert.Zero(t, p.Queue().Waiting)
	wait(t, w).Release(Outcome{})
	assertIdle(t, p)
}

func TestEnqueueWithoutEndpoint(t *testing.T) {
	_, err := NewPool("chat", NewLoads()).Enqueue(nil)
	assert.ErrorIs(t, err, ErrNoEndpoint)
	p := newQueuePool(t, 2, testQueue)
	fill(t, p)
	_, err = p.Enqueue(&Request{Exclude: []*Endpoint{at(p, 0), at(p, 1)}})
	assert.ErrorIs(t, err, ErrNoEndpoint)
}

func TestQueueFullAtExactlyItsLimit(t *testing.T) {
	p := newQueuePool(t, 1, QueueOptions{MaxRequests: 3, MaxWait: 20 * time.Second})
	fill(t, p)
	for range 3 {
		enqueue(t, p, nil)
	}
	_, err := p.Enqueue(nil)
	require.ErrorIs(t, err, ErrQueueFull)
	var full *QueueFull
	require.ErrorAs(t, err, &full)
	assert.Equal(t, QueueFull{Limit: 3, RetryAfter: 20 * time.Second}, *full)
	assert.Equal(t, "wait for an endpoint: the queue is full, 3 requests may wait", err.Error())
	assert.Equal(t, 3, p.Queue().Waiting)
}

func TestNoQueueIsAlwaysFull(t *testing.T) {
	p := newQueuePool(t, 1, QueueOptions{})
	fill(t, p)
	_, err := p.Enqueue(nil)
	var full *QueueFull
	require.ErrorAs(t, err, &full)
	assert.Equal(t, QueueFull{RetryAfter: time.Second}, *full)
}

func TestPokeLeavesTheQueue(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	first, second := enqueue(t, p, nil), enqueue(t, p, nil)
	first.Poke()
	first.Poke()
	assert.Equal(t, 1, p.Queue().Waiting)
	_, err := first.Wait()
	assert.ErrorIs(t, err, ErrPoked)
	first.Poke()
	lease.Release(Outcome{})
	wait(t, second).Release(Outcome{})
	assertIdle(t, p)
}

// TestPokeHandsOn: a slot whose request is poked before Wait goes to the next.
func TestPokeHandsOn(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	first, second := enqueue(t, p, nil), enqueue(t, p, nil)
	lease.Release(Outcome{})
	require.True(t, first.Bound())
	first.Poke()
	first.Poke()
	assert.False(t, first.Bound())
	_, err := first.Wait()
	assert.ErrorIs(t, err, ErrPoked)
	wait(t, second).Release(Outcome{})
	assertIdle(t, p)
	assert.Equal(t, uint64(2), at(p, 0).Load().Finished(Unknown), "what was handed on was no attempt")
}

// TestPokeAfterWait: a canceller may come late, before the waiter is recycled.
func TestPokeAfterWait(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	w := enqueue(t, p, nil)
	lease.Release(Outcome{})
	next := wait(t, w)
	w.Poke()
	assert.Equal(t, int64(1), at(p, 0).Load().InFlight())
	next.Release(Outcome{})
	assertIdle(t, p)
}

// TestPanickingPolicyCostsTheWaiter, and neither the one that frees the slot nor those behind.
func TestPanickingPolicyCostsTheWaiter(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	bad, good := &Request{Work: 666}, &Request{Work: 1}
	p.Snapshot().seats.guard.picker.(*turnsPicker).poison = bad
	first, second := enqueue(t, p, bad), enqueue(t, p, good)
	assert.NotPanics(t, func() { lease.Release(Outcome{}) })
	func() {
		defer func() {
			assert.Contains(t, recover(), "BUG: poisoned")
		}()
		_, _ = first.Wait()
	}()
	wait(t, second).Release(Outcome{})
	assertIdle(t, p)
}

func TestQueueOptionsAreValidated(t *testing.T) {
	for want, o := range map[string]QueueOptions{
		"the longest wait must be positive, is 0s":  {MaxRequests: 1},
		"the longest wait must be positive, is -1s": {MaxWait: -time.Second},
		"must be 0 (no queue) or more, is -1":       {MaxRequests: -1},
		"there is no order 7":                       {Order: 7},
	} {
		p := NewPool("chat", NewLoads())
		assert.ErrorContains(t, p.Apply(queued(o), endpoints(1)), want)
	}
}

func TestOrders(t *testing.T) {
	for o := range orderCount {
		same, err := ParseOrder(o.String())
		require.NoError(t, err)
		assert.Equal(t, o, same)
	}
	_, err := ParseOrder("lifo")
	assert.EqualError(t, err, `there is no queue order "lifo"; there are fifo, shortest_first`)
}

func TestQueueErrorsSayWhatTheyMean(t *testing.T) {
	assert.Equal(t, "wait for an endpoint: none had a slot within 30s", (&WaitedTooLong{Limit: 30 * time.Second}).Error())
	assert.False(t, errors.Is(&QueueFull{}, ErrFull), "a full queue is not a full endpoint")
}

// assertIdle asserts that nobody waits, nothing is in flight or set aside, and all seats are open.
func assertIdle(t testing.TB, p *Pool) {
	t.Helper()
	assert.Zero(t, p.Queue().Waiting)
	p.pick.Lock()
	defer p.pick.Unlock()
	q := &p.queue
	assert.Empty(t, q.line)
	assert.Empty(t, q.aside)
	assert.Nil(t, q.oldest)
	assert.Nil(t, q.youngest)
	assert.Nil(t, q.young)
	snapshot := p.snapshot.Load()
	for _, e := range snapshot.Endpoints {
		assert.Zero(t, e.Endpoint.load.InFlight())
	}
	if s := snapshot.seats; s != nil {
		assert.Equal(t, len(s.endpoints), s.open)
		assert.Equal(t, make([]obstacles, len(s.endpoints)), s.obstacles)
	}
}
