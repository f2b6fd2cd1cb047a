package balancer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// pushedBack is an answer that asks for a pause.
func pushedBack(pause time.Duration) Outcome {
	return Outcome{Class: Answered, Status: 429, PushBack: pause}
}

// TestEndpointCoolsOff for as long as it asked, and no longer: it is not suspect.
func TestEndpointCoolsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, p := range map[string]*Pool{"no slots": newTestPool(t, 3), "slots": newGentlePool(t, 3, 50)} {
			lease, _ := acquireAt(t, p, 0)
			lease.Release(pushedBack(2 * time.Second))
			require.True(t, at(p, 0).Cooling())
			require.True(t, state(p, 0).Eligible, "%s: it is not ejected", name)
			try(t, p, 0, 0)
			time.Sleep(2*time.Second - 1)
			try(t, p, 0, 0)
			time.Sleep(1)
			synctest.Wait()
			require.False(t, at(p, 0).Cooling())
			lease, ok := acquireAt(t, p, 0)
			require.True(t, ok, name)
			lease.Release(Outcome{Class: Answered})
			require.Equal(t, Settled, state(p, 0).Comeback)
			require.Zero(t, p.snapshot.Load().seats.away)
		}
	})
}

// TestPausesGrowButDoNotShrink: of what several answers ask for the latest end counts, up to a bound.
func TestPausesGrowButDoNotShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTestPool(t, 2)
		leases := leasesAt(t, p, 0, 3)
		leases[0].Release(pushedBack(4 * time.Second))
		leases[1].Release(pushedBack(time.Second))
		time.Sleep(4*time.Second - 1)
		synctest.Wait()
		require.True(t, at(p, 0).Cooling())
		leases[2].Release(pushedBack(time.Hour))
		time.Sleep(longestCooling - 1)
		synctest.Wait()
		require.True(t, at(p, 0).Cooling())
		time.Sleep(1)
		synctest.Wait()
		require.False(t, at(p, 0).Cooling())
	})
}

// TestWhereAllCoolOff requests wait for the first that is back, where they can wait and it is back soon;
// else all are used.
func TestWhereAllCoolOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newQueuePool(t, 2, testQueue)
		leases := fill(t, p)
		leases[0].Release(pushedBack(2 * time.Second))
		leases[1].Release(pushedBack(time.Second))
		require.True(t, p.Awaits())
		waiters := enqueueMany(t, p, 2)
		require.Zero(t, boundNow(t, waiters))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, 1, boundNow(t, waiters))
		first := wait(t, waiters[0])
		require.Same(t, leases[1].Endpoint(), first.Endpoint())
		time.Sleep(time.Second)
		synctest.Wait()
		second := wait(t, waiters[1])
		waiters = enqueueMany(t, p, 3)
		first.Release(pushedBack(longestCooling))
		require.Zero(t, boundNow(t, waiters), "the other is back sooner")
		second.Release(pushedBack(longestCooling))
		require.Equal(t, 2, boundNow(t, waiters), "nobody waits for so long: they go to all, in their order")
		require.True(t, waiters[0].Bound() && waiters[1].Bound())
		for _, w := range waiters {
			wait(t, w).Release(Outcome{Class: Answered})
		}
		assertIdle(t, p)

		p = newTestPool(t, 2)
		for i := range 2 {
			lease, _ := acquireAt(t, p, i)
			lease.Release(pushedBack(time.Second))
		}
		_, err := p.Acquire(nil)
		require.NoError(t, err, "where there is no queue nobody can wait")
	})
}

// TestPauseIsNoFault: it neither ends a trial nor counts against it, and is told once a minute at most.
func TestPauseIsNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, told := newToldPool(t, 3)
		bounce(t, p, 0, ProbeFailed)
		leases := try(t, p, 0, 2)
		*told = nil
		leases[0].Release(Outcome{Class: Answered})
		leases[1].Release(pushedBack(time.Second))
		require.True(t, at(p, 0).OnTrial())
		require.Equal(t, []Transition{{Upstream: "chat", Endpoint: "e0", Cooling: time.Second, On: true}}, *told)
		for range 3 {
			time.Sleep(2 * time.Second)
			synctest.Wait()
			release(try(t, p, 0, 2), pushedBack(time.Second))
		}
		require.Len(t, *told, 1)
		require.True(t, at(p, 0).OnTrial())
	})
}
