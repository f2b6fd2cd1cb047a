package balancer

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// share acquires so often and releases at once, as answered; it returns how often each
// endpoint was given.
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

// acquireAt acquires until the endpoint comes; it releases the others.
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

// unreachable fails to connect to the endpoint.
func unreachable(t *testing.T, p *Pool, i int) {
	t.Helper()
	lease, ok := acquireAt(t, p, i)
	require.True(t, ok)
	lease.Release(Outcome{Class: ConnectFailed})
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

// TestWithNoneReachableAllAreUsed: pauses must not make a pool emptier than it is.
func TestWithNoneReachableAllAreUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, p := range map[string]*Pool{"no slots": newTestPool(t, 2), "slots": newQueuePool(t, 2, testQueue)} {
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

// TestRequestThatMayHaveNoOther is given an endpoint that others are kept from.
func TestRequestThatMayHaveNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, p := range map[string]*Pool{"no slots": newTestPool(t, 2), "slots": newQueuePool(t, 2, testQueue)} {
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

// TestUnreachableEndpointSwallowsNoQueue: it frees its slot at once, and must not be given
// to one after the other of those who wait.
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

// TestOutageEnds once a connection is made, or a probe succeeds, and not by a change of
// the pool.
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
		var old []Lease
		for range 3 {
			lease, ok := acquireAt(t, p, 0)
			require.True(t, ok)
			old = append(old, lease)
		}
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

// TestFreedSlotIsForWhoWaits, though before its release is told a request comes that may
// have only an endpoint with an outage.
func TestFreedSlotIsForWhoWaits(t *testing.T) {
	p := newQueuePool(t, 2, testQueue)
	leases := fill(t, p)
	leases[1].Release(Outcome{Class: ConnectFailed})
	w := enqueue(t, p, nil)
	require.False(t, w.Bound())
	free := leases[0].Endpoint()
	free.load.finish(Answered) // the first half of Release
	lease, err := p.Acquire(&Request{Exclude: []*Endpoint{free}})
	require.NoError(t, err)
	free.load.tell(nil) // the other half
	require.True(t, w.Bound())
	wait(t, w).Release(Outcome{})
	lease.Release(Outcome{})
}

// TestOutagesKeepTheSeats runs random histories, after each step of which a seat must be
// closed if it is full, or has an outage while another has none, and not otherwise.
func TestOutagesKeepTheSeats(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 5))
			p := NewPool("chat", NewLoads())
			require.NoError(t, p.Apply(queued(testQueue), slotted(4, rng.IntN(3))))
			var leases []Lease
			var waiters []*Waiter
			for range 300 {
				switch op := rng.IntN(20); {
				case op < 8:
					if lease, err := p.Acquire(&Request{Exclude: []*Endpoint{at(p, 0)}[:rng.IntN(2)]}); err == nil {
						leases = append(leases, lease)
					} else if w, err := p.Enqueue(nil); err == nil {
						waiters = append(waiters, w)
					}
				case op < 15 && len(leases) > 0:
					class := []OutcomeClass{Answered, ConnectFailed, ConnectFailed, ClientGone, TimedOut}[rng.IntN(5)]
					leases[0].Release(Outcome{Class: class})
					leases = leases[1:]
				case op < 17:
					time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
					synctest.Wait()
				case op < 19:
					_, _ = p.SetCondition("e1", []Condition{Draining, ProbeFailed}[rng.IntN(2)], rng.IntN(2) == 0, "")
				default:
					require.NoError(t, p.Apply(queued(testQueue), slotted(2+rng.IntN(3), rng.IntN(3))))
				}
				for i := 0; i < len(waiters); i++ {
					if waiters[i].Bound() {
						leases = append(leases, wait(t, waiters[i]))
						waiters = append(waiters[:i], waiters[i+1:]...)
						i--
					}
				}
				assertSeats(t, p)
			}
			for _, w := range waiters {
				w.Poke()
			}
			for _, lease := range leases {
				lease.Release(Outcome{Class: Answered})
			}
			assertSeats(t, p)
			time.Sleep(longestPause)
		})
	}
}

func assertSeats(t *testing.T, p *Pool) {
	t.Helper()
	p.pick.Lock()
	defer p.pick.Unlock()
	s := p.snapshot.Load().seats
	if s == nil {
		return
	}
	out, open := 0, 0
	for i, e := range s.endpoints {
		require.Equal(t, i, e.seat)
		if e.outage.stage.Load() != reachable {
			out++
		}
		if !s.closed[i] {
			open++
		}
	}
	require.Equal(t, out, s.out)
	require.Equal(t, open, s.open)
	picker := s.picker.(*turnsPicker)
	for i, e := range s.endpoints {
		stage := e.outage.stage.Load()
		want := s.isFull(i, e.load.InFlight()) || out < len(s.endpoints) && (stage == paused || stage == tried)
		require.Equal(t, want, s.closed[i])
		require.Equal(t, want, picker.closed[i])
	}
	if open > 0 {
		require.Zero(t, p.queue.length)
	}
}
