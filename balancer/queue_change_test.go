package balancer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// enqueueMany lets n ordinary requests wait.
func enqueueMany(t *testing.T, p *Pool, n int) (waiters []*Waiter) {
	t.Helper()
	for range n {
		waiters = append(waiters, enqueue(t, p, nil))
	}
	return waiters
}

// boundNow counts those who are bound, and asserts that they are the first that came.
func boundNow(t *testing.T, waiters []*Waiter) (n int) {
	t.Helper()
	for i, w := range waiters {
		if w.Bound() {
			assert.Equal(t, i, n, "overtaken")
			n++
		}
	}
	return n
}

// finish releases all leases, and those of the waiters as they are bound.
func finish(t *testing.T, p *Pool, leases []Lease, waiters []*Waiter) {
	t.Helper()
	for _, lease := range leases {
		lease.Release(Outcome{})
	}
	for _, w := range waiters {
		wait(t, w).Release(Outcome{})
	}
	assertIdle(t, p)
}

func TestRaisingSlotsBindsAtOnce(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases, waiters := fill(t, p), enqueueMany(t, p, 7)
	more := slotted(2, 1)
	more[0].Slots, more[1].Slots = 4, 2
	require.NoError(t, p.Apply(queued(testQueue), more))
	assert.Equal(t, 4, boundNow(t, waiters))
	assert.Equal(t, int64(4), at(p, 0).Load().InFlight())
	assert.Equal(t, int64(2), at(p, 1).Load().InFlight())
	finish(t, p, leases, waiters)
}

func TestTakingTheLimitAwayBindsAll(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases, waiters := fill(t, p), enqueueMany(t, p, 7)
	require.NoError(t, p.Apply(queued(testQueue), slotted(2, 0)))
	assert.Equal(t, 7, boundNow(t, waiters))
	finish(t, p, leases, waiters)
}

func TestLoweringSlotsKillsNobody(t *testing.T) {
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(queued(testQueue), slotted(1, 3)))
	leases, waiters := fill(t, p), enqueueMany(t, p, 2)
	require.NoError(t, p.Apply(queued(testQueue), slotted(1, 1)))
	assert.Equal(t, int64(3), at(p, 0).Load().InFlight())
	leases[0].Release(Outcome{})
	leases[1].Release(Outcome{})
	assert.Zero(t, boundNow(t, waiters), "one is in flight, as many as may be")
	leases[2].Release(Outcome{})
	assert.Equal(t, 1, boundNow(t, waiters))
	finish(t, p, nil, waiters)
}

func TestNewEndpointServesWhoWaits(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	leases, waiters := fill(t, p), enqueueMany(t, p, 3)
	require.NoError(t, p.Apply(queued(testQueue), slotted(3, 1)))
	assert.Equal(t, 2, boundNow(t, waiters))
	finish(t, p, leases, waiters)
}

// TestRemovedEndpointsLoseNobody: those who wait get the slots of the endpoints that are left.
func TestRemovedEndpointsLoseNobody(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases, waiters := fill(t, p), enqueueMany(t, p, 2)
	require.NoError(t, p.Apply(queued(testQueue), slotted(2, 1)[1:]))
	leases[0].Release(Outcome{})
	assert.Zero(t, boundNow(t, waiters), "the endpoint is no longer a member")
	assert.Equal(t, 2, p.Queue().Waiting)
	leases[1].Release(Outcome{})
	assert.Equal(t, 1, boundNow(t, waiters))
	assert.Same(t, at(p, 0), waiters[0].endpoint)
	finish(t, p, nil, waiters)
}

// TestNothingEligibleLosesNobody: while no endpoint may be picked those who wait go on waiting,
// and others are refused.
func TestNothingEligibleLosesNobody(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases, waiters := fill(t, p), enqueueMany(t, p, 3)
	for _, e := range []string{"e0", "e1"} {
		_, err := p.SetCondition(e, ProbeFailed, true, "")
		require.NoError(t, err)
	}
	for _, lease := range leases {
		lease.Release(Outcome{})
	}
	assert.Zero(t, boundNow(t, waiters))
	_, err := p.Enqueue(nil)
	assert.ErrorIs(t, err, ErrNoEndpoint)
	_, err = p.SetCondition("e1", ProbeFailed, false, "")
	require.NoError(t, err)
	assert.Equal(t, 1, boundNow(t, waiters))
	assert.Same(t, at(p, 1), waiters[0].endpoint)
	_, err = p.SetCondition("e0", ProbeFailed, false, "")
	require.NoError(t, err)
	assert.Equal(t, 2, boundNow(t, waiters))
	finish(t, p, nil, waiters)
}

func TestChangingThePolicyLosesNobody(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases, waiters := fill(t, p), enqueueMany(t, p, 3)
	require.NoError(t, p.Apply(Options{Policy: turns{"others"}, Queue: testQueue}, slotted(2, 1)))
	assert.Zero(t, boundNow(t, waiters))
	leases[0].Release(Outcome{})
	assert.Equal(t, 1, boundNow(t, waiters))
	finish(t, p, leases, waiters)
}

func TestShorterQueueKeepsWhoIsIn(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	leases, waiters := fill(t, p), enqueueMany(t, p, 3)
	for _, o := range []QueueOptions{{MaxRequests: 2, MaxWait: time.Minute}, {}} {
		require.NoError(t, p.Apply(queued(o), slotted(1, 1)))
		_, err := p.Enqueue(nil)
		assert.ErrorIs(t, err, ErrQueueFull)
		assert.Equal(t, 3, p.Queue().Waiting)
	}
	for _, w := range waiters {
		assert.Equal(t, testQueue.MaxWait, w.maxWait, "the wait that it came under")
	}
	finish(t, p, leases, waiters)
}

// TestSlotGoesToTheFirstItCanServe: a repeat that must not go back to where it failed is
// passed over for the slot there, and keeps its place for others.
func TestSlotGoesToTheFirstItCanServe(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases := fill(t, p)
	repeat := &Request{Exclude: []*Endpoint{at(p, 0)}}
	first, second, third := enqueue(t, p, repeat), enqueue(t, p, nil), enqueue(t, p, nil)
	leases[0].Release(Outcome{})
	assert.False(t, first.Bound())
	assert.Same(t, at(p, 0), wait(t, second).Endpoint())
	leases[1].Release(Outcome{})
	assert.Same(t, at(p, 1), wait(t, first).Endpoint())
	assert.False(t, third.Bound())
}

// TestFreeSlotThatNobodyWaitsForMayBeHad: to take a slot that all who wait exclude is no overtaking.
func TestFreeSlotThatNobodyWaitsForMayBeHad(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases := fill(t, p)
	repeat := &Request{Exclude: []*Endpoint{at(p, 0)}}
	w := enqueue(t, p, repeat)
	leases[0].Release(Outcome{})
	lease, err := p.Acquire(nil)
	require.NoError(t, err)
	assert.Same(t, at(p, 0), lease.Endpoint())
	_, err = p.Acquire(nil)
	assert.ErrorIs(t, err, ErrFull)

	_, err = p.SetCondition("e1", Draining, true, "")
	require.NoError(t, err)
	leases[1].Release(Outcome{})
	assert.False(t, w.Bound())
	require.NoError(t, p.Apply(queued(testQueue), append(slotted(2, 1), EndpointOptions{Name: "new", URL: "http://127.0.0.1:9100", Capacity: 1, Slots: 1})))
	assert.Equal(t, "new", wait(t, w).Endpoint().Name())
}

// TestPolicyPicksAmongSlotsThatComeFreeAtOnce, for the first who waits first.
func TestPolicyPicksAmongSlotsThatComeFreeAtOnce(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	fill(t, p)
	waiters := enqueueMany(t, p, 3)
	require.NoError(t, p.Apply(Options{Policy: last{turns{"last first"}}, Queue: testQueue}, slotted(4, 1)))
	for i, w := range waiters {
		assert.Same(t, at(p, 3-i), wait(t, w).Endpoint())
	}
}

// last is a policy that picks the last candidate that is open.
type last struct{ turns }

func (last) Build(candidates []Candidate) Picker {
	return &lastPicker{turnsPicker{candidates: candidates}}
}

type lastPicker struct{ turnsPicker }

func (p *lastPicker) Pick(r *Request) (int, bool) {
	for i := len(p.candidates) - 1; i >= 0; i-- {
		if !p.closed[i] && !r.excludes(p.candidates[i].Endpoint) {
			return i, true
		}
	}
	return 0, false
}
