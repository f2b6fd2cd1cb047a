package balancer

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPriorityGoesFirst: a slot that is freed goes to the highest priority, and among equals to the one that came first.
func TestPriorityGoesFirst(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	lease := fill(t, p)[0]
	var order []*Waiter
	for _, priority := range []uint8{5, 0, 9, 5, 9, 200} { // what is too high is the highest
		order = append(order, enqueue(t, p, &Request{Priority: priority}))
	}
	for _, i := range []int{2, 4, 5, 0, 3, 1} {
		lease.Release(Outcome{})
		lease = wait(t, order[i])
	}
	lease.Release(Outcome{})
	assert.Zero(t, p.Queue().Waiting)
}

// TestAgedGoFirstAmongTheirOwn: to have waited long puts no request before one of a higher priority.
func TestAgedGoFirstAmongTheirOwn(t *testing.T) {
	clock := new(clock)
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(Options{
		Policy: turns{"turns"}, Now: clock.now, Queue: QueueOptions{Order: ShortestFirst, MaxRequests: 10, MaxWait: 10 * time.Second},
	}, slotted(1, 1)))
	lease := fill(t, p)[0]
	old := enqueue(t, p, &Request{Priority: 1, Work: 9})
	clock.at += 6 * time.Second
	short, high := enqueue(t, p, &Request{Priority: 1, Work: 1}), enqueue(t, p, &Request{Priority: 2, Work: 5})
	for _, w := range []*Waiter{high, old, short} {
		lease.Release(Outcome{})
		lease = wait(t, w)
	}
}

// TestFullQueueSendsTheLowestAway: the youngest of the lowest priority makes room, and never one of the same or a higher one.
func TestFullQueueSendsTheLowestAway(t *testing.T) {
	p := newQueuePool(t, 1, QueueOptions{MaxRequests: 3, MaxWait: time.Hour})
	lease := fill(t, p)[0]
	first, second, high := enqueue(t, p, &Request{Priority: 1}), enqueue(t, p, &Request{Priority: 1}), enqueue(t, p, &Request{Priority: 7})
	_, err := p.Enqueue(&Request{Priority: 1})
	require.ErrorIs(t, err, ErrQueueFull)
	_, isFull := err.(*QueueFull)
	require.True(t, isFull)

	mid := enqueue(t, p, &Request{Priority: 2})
	_, err = second.Wait()
	require.IsType(t, &Displaced{}, err)
	require.ErrorIs(t, err, ErrQueueFull)
	second.Recycle()
	again := enqueue(t, p, &Request{Priority: 9})
	_, err = first.Wait()
	require.IsType(t, &Displaced{}, err)

	for _, w := range []*Waiter{again, high, mid} {
		lease.Release(Outcome{})
		lease = wait(t, w)
	}
	lease.Release(Outcome{})
	assert.Zero(t, p.Queue().Waiting)
	assert.Zero(t, lease.Endpoint().Load().InFlight())
}

// TestPrioritiesAreCounted: after any history the counts by priority are those of the queue, and the line is in order.
func TestPrioritiesAreCounted(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := newQueuePool(t, 2, QueueOptions{MaxRequests: 12, MaxWait: time.Hour})
	leases := fill(t, p)
	var in []*Waiter
	check := func() {
		var of [priorities]int
		for w := p.queue.oldest; w != nil; w = w.younger {
			of[w.priority]++
		}
		require.Equal(t, of, p.queue.of)
	}
	for range 4000 {
		switch rng.IntN(3) {
		case 0, 1:
			if w, err := p.Enqueue(&Request{Priority: uint8(rng.IntN(10))}); err == nil {
				in = append(in, w)
			}
		case 2:
			if rng.IntN(2) == 0 && len(in) > 0 {
				in[rng.IntN(len(in))].Poke()
			} else {
				leases[0].Release(Outcome{})
				leases = leases[1:]
			}
		}
		for i := len(in) - 1; i >= 0; i-- {
			if in[i].fate.Load() != waiting {
				if lease, err := in[i].Wait(); err == nil {
					leases = append(leases, lease)
				}
				in = append(in[:i], in[i+1:]...)
			}
		}
		for len(leases) < 2 && len(in) == 0 {
			leases = append(leases, fill(t, p)...)
		}
		check()
	}
}
