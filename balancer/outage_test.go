package balancer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// share acquires n times. It releases each lease at once: endpoint 0 cannot be reached, the
// others answer. It returns how often each endpoint was given.
func share(t *testing.T, p *Pool, n int) []int {
	t.Helper()
	had := make([]int, len(p.Snapshot().Endpoints))
	for range n {
		lease, err := p.Acquire(nil)
		require.NoError(t, err)
		for i := range had {
			if at(p, i) == lease.Endpoint() {
				had[i]++
			}
		}
		if lease.Endpoint() == at(p, 0) {
			lease.Release(Outcome{Class: ConnectFailed})
		} else {
			lease.Release(Outcome{Class: Answered})
		}
	}
	return had
}

// acquireAt acquires until it gets the endpoint, and releases the others.
func acquireAt(t *testing.T, p *Pool, i int) (Lease, bool) {
	t.Helper()
	for range p.Snapshot().Endpoints {
		lease, err := p.Acquire(nil)
		require.NoError(t, err)
		if lease.Endpoint() == at(p, i) {
			return lease, true
		}
		lease.Release(Outcome{Class: Refused})
	}
	return Lease{}, false
}

// leasesAt is n leases of one endpoint.
func leasesAt(t *testing.T, p *Pool, i, n int) (leases []Lease) {
	t.Helper()
	for range n {
		lease, ok := acquireAt(t, p, i)
		require.True(t, ok)
		leases = append(leases, lease)
	}
	return leases
}

// unreachable acquires the endpoint, and finds that it cannot be reached.
func unreachable(t *testing.T, p *Pool, i int) {
	t.Helper()
	lease, ok := acquireAt(t, p, i)
	require.True(t, ok)
	lease.Release(Outcome{Class: ConnectFailed, Reason: "no route to host"})
}

// TestUnreachableEndpointIsLeftAlone but for one trial after each pause; the first that
// succeeds ends that.
func TestUnreachableEndpointIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTestPool(t, 3)
		assert.False(t, at(p, 0).Unreachable())
		unreachable(t, p, 0)
		var lease Lease
		for _, pause := range []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000} {
			time.Sleep(pause*time.Millisecond - 1)
			assert.Equal(t, []int{0, 15, 15}, share(t, p, 30))
			assert.True(t, at(p, 0).Unreachable(), "in the pause")
			time.Sleep(1)
			synctest.Wait()
			assert.True(t, at(p, 0).Unreachable(), "after it")
			var ok bool
			lease, ok = acquireAt(t, p, 0)
			require.True(t, ok, "after %d ms", pause)
			assert.True(t, at(p, 0).Unreachable(), "while one tries")
			assert.Equal(t, []int{0, 15, 15}, share(t, p, 30), "one trial at a time")
			lease.Release(Outcome{Class: ConnectFailed})
		}
		time.Sleep(longestPause)
		synctest.Wait()
		lease, _ = acquireAt(t, p, 0)
		lease.Release(Outcome{Class: ClientGone}) // which says nothing
		lease, _ = acquireAt(t, p, 0)
		lease.Release(Outcome{Class: TimedOut})
		assert.Equal(t, []int{0, 15, 15}, share(t, p, 30))
		time.Sleep(longestPause)
		synctest.Wait()
		lease, _ = acquireAt(t, p, 0)
		assert.True(t, at(p, 0).Unreachable())
		lease.Release(Outcome{Class: Answered})
		assert.False(t, at(p, 0).Unreachable())
		for range 3 {
			lease, ok := acquireAt(t, p, 0)
			require.True(t, ok)
			defer lease.Release(Outcome{})
		}
		unreachable(t, p, 0)
		time.Sleep(firstPause)
		synctest.Wait()
		unreachable(t, p, 0)
	})
}

// TestWithNoneReachableAllAreUsed: where nobody may wait, pauses must not leave a pool without
// endpoints.
func TestWithNoneReachableAllAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, p := range map[string]*Pool{"no slots": newTestPool(t, 2), "no queue": newQueuePool(t, 2, QueueOptions{})} {
			unreachable(t, p, 0)
			unreachable(t, p, 1)
			for range 3 {
				unreachable(t, p, 0)
				unreachable(t, p, 1)
			}
			lease, ok := acquireAt(t, p, 1)
			require.True(t, ok)
			lease.Release(Outcome{Class: Answered})
			assert.Equal(t, []int{0, 20}, share(t, p, 20), name)
		}
	})
}

// TestWithNoneReachableOneWaits: servers that are restarting are back before long.
func TestWithNoneReachableOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 2, testQueue)
		for _, lease := range fill(t, p) {
			lease.Release(Outcome{Class: ConnectFailed})
		}
		waiters := enqueueMany(t, p, 6)
		moved := enqueue(t, p, &Request{Exclude: []*Endpoint{at(p, 0)}})
		assert.Zero(t, boundNow(t, waiters))
		time.Sleep(firstPause)
		synctest.Wait()
		assert.Equal(t, 2, boundNow(t, waiters), "one tries each")
		failed := wait(t, waiters[0])
		failed.Release(Outcome{Class: ConnectFailed})
		assert.Equal(t, 1, boundNow(t, waiters[1:]))
		for _, w := range waiters[1:] {
			require.True(t, w.Bound(), "the other is back")
			lease := wait(t, w)
			assert.NotSame(t, failed.Endpoint(), lease.Endpoint())
			lease.Release(Outcome{Class: Answered})
		}
		time.Sleep(2 * firstPause)
		synctest.Wait()
		require.True(t, moved.Bound(), "wherever it is")
		wait(t, moved).Release(Outcome{Class: Answered})
		assertIdle(t, p)
	})
}

// TestNobodyWaitsInALongOutage: once no server could be reached for some seconds, those who wait
// are given one at once, and so are those who come. They fail, but do not wait for that.
func TestNobodyWaitsInALongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 1, testQueue)
		fill(t, p)[0].Release(Outcome{Class: ConnectFailed})
		begin, waiters := time.Now(), enqueueMany(t, p, 20)
		for _, w := range waiters {
			lease, err := w.Wait()
			require.NoError(t, err)
			lease.Release(Outcome{Class: ConnectFailed})
		}
		assert.Equal(t, 3100*time.Millisecond, time.Since(begin), "five tried, the others went at once")
		for range 3 {
			unreachable(t, p, 0)
		}
		require.NoError(t, p.Apply(queued(testQueue), slotted(1, 2)))
		unreachable(t, p, 0)
		lease := acquireOnly(t, p, 0)
		lease.Release(Outcome{Class: Answered})
		unreachable(t, p, 0)
		require.False(t, enqueue(t, p, nil).Bound(), "it was back")
	})
}

// TestRequestThatMayHaveNoOther: it is given an endpoint that cannot be reached, if all others
// are excluded.
func TestRequestThatMayHaveNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, p := range map[string]*Pool{"no slots": newTestPool(t, 2), "no queue": newQueuePool(t, 2, QueueOptions{})} {
			unreachable(t, p, 0)
			lease, err := p.Acquire(&Request{Exclude: []*Endpoint{at(p, 1)}})
			require.NoError(t, err, name)
			assert.Same(t, at(p, 0), lease.Endpoint())
			lease.Release(Outcome{Class: ConnectFailed})
			_, err = p.Acquire(&Request{Exclude: []*Endpoint{at(p, 0), at(p, 1)}})
			assert.ErrorIs(t, err, ErrNoEndpoint)
			assert.Equal(t, []int{0, 20}, share(t, p, 20), name)
		}
	})
}

// TestUnreachableEndpointSwallowsNoQueue: it frees its slot at once, and would else be given to
// all who wait, one after the other.
func TestUnreachableEndpointSwallowsNoQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 2, testQueue)
		leases, waiters := fill(t, p), enqueueMany(t, p, 5)
		leases[0].Release(Outcome{Class: ConnectFailed})
		assert.Zero(t, boundNow(t, waiters))
		_, err := p.Acquire(nil)
		assert.ErrorIs(t, err, ErrFull)
		time.Sleep(firstPause)
		synctest.Wait()
		assert.Equal(t, 1, boundNow(t, waiters), "one tries")
		waiters[0].Poke() // and leaves: the next does
		require.True(t, waiters[1].Bound())
		trial := wait(t, waiters[1])
		trial.Release(Outcome{Class: ConnectFailed})
		assert.False(t, waiters[2].Bound())
		leases[1].Release(Outcome{Class: Answered})
		assert.True(t, waiters[2].Bound(), "by the one that is well")
		time.Sleep(2 * firstPause)
		synctest.Wait()
		require.True(t, waiters[3].Bound())
		wait(t, waiters[3]).Release(Outcome{Class: Answered})
		require.True(t, waiters[4].Bound())
		finish(t, p, nil, []*Waiter{waiters[2], waiters[4]})
	})
}

// TestOutageEnds once a connection is made or a probe succeeds, but not when the pool changes.
func TestOutageEnds(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *Pool, Lease){
		"reached": func(_ *testing.T, _ *Pool, lease Lease) { lease.Reached() },
		"probed": func(t *testing.T, p *Pool, _ Lease) {
			for _, on := range []bool{true, false} {
				_, err := p.SetCondition("e0", ProbeFailed, on, "")
				require.NoError(t, err)
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newTestPool(t, 2)
			unreachable(t, p, 0)
			time.Sleep(firstPause)
			synctest.Wait()
			lease, ok := acquireAt(t, p, 0)
			require.True(t, ok)
			_, err := p.SetCondition("e0", Draining, true, "")
			require.NoError(t, err)
			_, err = p.SetCondition("e0", Draining, false, "")
			require.NoError(t, err)
			require.NoError(t, p.Apply(queued(testQueue), slotted(2, 8)))
			_, ok = acquireAt(t, p, 0)
			require.False(t, ok)
			end(t, p, lease)
			_, ok = acquireAt(t, p, 0)
			require.True(t, ok, name)
		})
	}
	Lease{}.Reached()
}

// TestOldStreamsEndNoOutage: a server that stops lets its streams finish, and that shows
// nothing of whether it takes connections.
func TestOldStreamsEndNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTestPool(t, 2)
		old := leasesAt(t, p, 0, 3)
		for i, pause := range []time.Duration{100, 200, 400} {
			if i == 0 {
				unreachable(t, p, 0)
			}
			time.Sleep(pause*time.Millisecond - 1)
			assert.Equal(t, []int{0, 4}, share(t, p, 4))
			time.Sleep(1)
			synctest.Wait()
			trial, ok := acquireAt(t, p, 0)
			require.True(t, ok)
			old[i].Release(Outcome{Class: []OutcomeClass{Answered, TimedOut, ClientGone}[i]})
			assert.True(t, at(p, 0).Unreachable())
			assert.Equal(t, []int{0, 4}, share(t, p, 4), "one trial at a time")
			trial.Release(Outcome{Class: ConnectFailed})
		}
		time.Sleep(800 * time.Millisecond)
		synctest.Wait()
		trial, ok := acquireAt(t, p, 0)
		require.True(t, ok)
		trial.Release(Outcome{Class: Answered})
		assert.False(t, at(p, 0).Unreachable())
	})
}

// TestFreedSlotIsForWhoWaits: between the two halves of its release comes a request that may
// have only an endpoint with an outage. It must not take the freed slot.
func TestFreedSlotIsForWhoWaits(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases := fill(t, p)
	leases[1].Release(Outcome{Class: ConnectFailed})
	w := enqueue(t, p, nil)
	require.False(t, w.Bound())
	free := leases[0].Endpoint()
	free.load.finish(Answered) // the first half of Release
	at(p, 1).outage.long = true
	lease, err := p.Acquire(&Request{Exclude: []*Endpoint{free}})
	require.NoError(t, err)
	free.load.tell(nil) // the other half
	require.True(t, w.Bound())
	wait(t, w).Release(Outcome{})
	lease.Release(Outcome{})
}

// TestFirstThatIsBackDoesNotCarryAll: when one of all comes back after a long outage, the others are tried at once.
func TestFirstThatIsBackDoesNotCarryAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTestPool(t, 3)
		for range 5 { // until pauses are longer than this test waits
			for i := range 3 {
				unreachable(t, p, i)
			}
			time.Sleep(longestPause)
			synctest.Wait()
		}
		for i := range 3 {
			unreachable(t, p, i)
		}
		require.True(t, p.Out(longestPause))
		require.False(t, p.Out(time.Hour), "it was well then")
		lease, ok := acquireAt(t, p, 1)
		require.True(t, ok)
		lease.Release(Outcome{Class: Answered})
		require.False(t, p.Out(0))
		had := share(t, p, 6)
		assert.Equal(t, 1, had[0], "it is tried once, and fails")
		assert.GreaterOrEqual(t, had[2], 2, "it is tried, and is back")
	})
}
