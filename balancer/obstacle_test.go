package balancer

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSeatsHaveTheirObstacles runs random histories, after each step of which a seat must have
// just the obstacles that its load, outage, trial and pause ask for, and be closed to the picker if it has any.
func TestSeatsHaveTheirObstacles(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 5))
			p := NewPool("chat", NewLoads())
			options := queued(testQueue)
			options.MaxEjectedRatio, options.PanicRatio, options.SlowStart = 0.5, 0.5, 3*time.Second
			require.NoError(t, p.Apply(options, slotted(4, rng.IntN(3))))
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
					leases[0].Release(Outcome{Class: class, PushBack: max(0, time.Duration(rng.IntN(12)-6)) * time.Second})
					leases = leases[1:]
				case op < 17:
					time.Sleep(time.Duration(rng.IntN(900)) * time.Millisecond)
					synctest.Wait()
				case op < 19:
					name, c := at(p, rng.IntN(2)).Name(), []Condition{Draining, ProbeFailed, Ejected}[rng.IntN(3)]
					_, _ = p.SetCondition(name, c, rng.IntN(2) == 0, "")
				default:
					require.NoError(t, p.Apply(options, slotted(2+rng.IntN(3), rng.IntN(3))))
				}
				synctest.Wait() // timers that are due give slots, too
				for i := 0; i < len(waiters); i++ {
					if waiters[i].Bound() {
						leases = append(leases, wait(t, waiters[i]))
						waiters = append(waiters[:i], waiters[i+1:]...)
						i--
					}
				}
				assertSeats(t, p)
				assertTrials(t, p, leases)
			}
			for _, w := range waiters {
				w.Poke()
			}
			for _, lease := range leases {
				lease.Release(Outcome{Class: Answered})
			}
			assertSeats(t, p)
			time.Sleep(longestPause + longestCooling)
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
	unreachable, away, long, open := 0, 0, 0, 0
	for i, e := range s.endpoints {
		require.Equal(t, i, e.seat)
		if e.outage.at() != reachable {
			unreachable++
		}
		if e.outage.at() != reachable || e.Cooling() {
			away++
		}
		if e.outage.long || e.cooling.long {
			long++
		}
		if s.obstacles[i] == 0 {
			open++
		}
	}
	require.Equal(t, unreachable, s.unreachable)
	require.Equal(t, away, s.away)
	require.Equal(t, long, s.longAway)
	obeyed := away < len(s.endpoints) || s.slots != nil && long < away
	require.Equal(t, open, s.open)
	picker := s.guard.picker.(*turnsPicker)
	for i, e := range s.endpoints {
		want := obstacles(0)
		if limit := s.limit(i); limit > 0 && e.load.InFlight() >= limit {
			want = full
		}
		if obeyed && e.outage.at() == paused {
			want |= out
		}
		if obeyed && e.outage.at() == tried {
			want |= beingTried
		}
		if obeyed && e.Cooling() {
			want |= coolingOff
		}
		if t := &e.trial; s.trials != nil && s.trials[i] > 0 && t.trying >= t.slots {
			want |= onTrial
		}
		require.Equal(t, want, s.obstacles[i])
		require.Equal(t, want != 0, picker.closed[i])
	}
	if open > 0 {
		require.Zero(t, p.queue.length)
	}
}

// assertTrials counts anew how many requests are trying each endpoint.
func assertTrials(t *testing.T, p *Pool, leases []Lease) {
	t.Helper()
	p.pick.Lock()
	defer p.pick.Unlock()
	for _, state := range p.Snapshot().Endpoints {
		e, trying := state.Endpoint, int64(0)
		for _, lease := range leases {
			if lease.endpoint == e && lease.trial != 0 && lease.trial == e.trial.number.Load() {
				trying++
			}
		}
		if e.OnTrial() {
			require.Equal(t, trying, e.trial.trying)
		}
		require.Equal(t, state.Eligible && state.Comeback == OnTrial, e.OnTrial())
	}
}
