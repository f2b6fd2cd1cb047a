package balancer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const testRamp = 30 * time.Second

// gentle are options with all that has to do with coming back.
func gentle(o Options) Options {
	o.MaxEjectedRatio, o.PanicRatio, o.SlowStart = 0.5, 0.5, testRamp
	return o
}

// newGentlePool has n endpoints of capacity 100, with so many slots.
func newGentlePool(t *testing.T, n, slots int) *Pool {
	t.Helper()
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(gentle(queued(testQueue)), slotted(n, slots)))
	return p
}

func set(t *testing.T, p *Pool, i int, c Condition, on bool) {
	t.Helper()
	_, err := p.SetCondition(at(p, i).Name(), c, on, "test")
	require.NoError(t, err)
}

// bounce takes an endpoint out and brings it back.
func bounce(t *testing.T, p *Pool, i int, c Condition) {
	t.Helper()
	set(t, p, i, c, true)
	require.Equal(t, Away, state(p, i).Comeback)
	set(t, p, i, c, false)
}

func state(p *Pool, i int) EndpointState { return p.Snapshot().Endpoints[i] }

// try gets n requests to an endpoint, and no more.
func try(t *testing.T, p *Pool, i, n int) (leases []Lease) {
	t.Helper()
	var others []Lease
	for range 20 * len(p.Snapshot().Endpoints) {
		lease, err := p.Acquire(nil)
		if err != nil {
			break
		}
		if lease.Endpoint() == at(p, i) {
			leases = append(leases, lease)
		} else {
			others = append(others, lease)
		}
	}
	for _, lease := range others {
		lease.Release(Outcome{})
	}
	require.Len(t, leases, n)
	return leases
}

func release(leases []Lease, o Outcome) {
	for _, lease := range leases {
		lease.Release(o)
	}
}

// TestComesBackOnTrialAndRamps is a whole way back: two requests at once, then a tenth of the
// capacity, that grows in a straight line.
func TestComesBackOnTrialAndRamps(t *testing.T) {
	for _, c := range []Condition{Ejected, ProbeFailed} {
		for _, slots := range []int{0, 40} {
			synctest.Test(t, func(t *testing.T) {
				p := newGentlePool(t, 3, slots)
				old := try(t, p, 0, 20)[:5] // begun before, and no part of the trial
				bounce(t, p, 0, c)
				require.Equal(t, OnTrial, state(p, 0).Comeback)
				require.Equal(t, trialSlots, state(p, 0).Trial)
				require.True(t, at(p, 0).OnTrial())
				release(old, Outcome{Class: Answered, Status: 200})
				leases := try(t, p, 0, trialSlots)
				require.True(t, at(p, 0).OnTrial(), "nothing was heard yet")
				leases[0].Release(Outcome{Class: Answered, Status: 200})
				leases[1].Release(Outcome{Class: Answered, Status: 500})
				leases = try(t, p, 0, trialSlots)
				require.True(t, at(p, 0).OnTrial(), "two in a row, it must be")
				release(leases, Outcome{Class: Answered, Status: 200})
				require.False(t, at(p, 0).OnTrial())
				require.Equal(t, Ramping, state(p, 0).Comeback)
				require.Zero(t, state(p, 0).Trial)
				for n, want := range []float64{0.1, 0.1, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45} {
					if n > 0 {
						time.Sleep(testRamp / rampSteps)
						synctest.Wait()
					}
					require.InDelta(t, want, state(p, 0).Ramp, 1e-9)
					require.InDelta(t, 100*want, state(p, 0).Capacity, 1e-9)
					require.InDelta(t, want/(2+want), state(p, 0).Share, 1e-9)
				}
				time.Sleep(testRamp)
				synctest.Wait()
				require.Equal(t, Settled, state(p, 0).Comeback)
				require.Equal(t, 1.0, state(p, 0).Ramp)
				version := p.Snapshot().Version
				time.Sleep(testRamp)
				require.Equal(t, version, p.Snapshot().Version, "nothing goes on")
			})
		}
	}
}

// TestRampedSlots: a queue fills whatever is free, so that the slots have to grow as well.
func TestRampedSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newGentlePool(t, 3, 10)
		bounce(t, p, 0, Ejected)
		release(try(t, p, 0, trialSlots), Outcome{Class: Answered})
		held := fill(t, p)
		waiters := enqueueMany(t, p, 30)
		count := func() int64 { return at(p, 0).Load().InFlight() }
		require.EqualValues(t, 1, count())
		for step := range 4 {
			time.Sleep(testRamp/4 + time.Second)
			synctest.Wait()
			want := []int64{3, 6, 9, 10}[step]
			require.EqualValues(t, want, count(), "after step %d", step)
		}
		release(held, Outcome{Class: Answered})
		for _, w := range waiters {
			wait(t, w).Release(Outcome{})
		}
		assertIdle(t, p)
	})
}

// TestTrialFails: who ejects a server on trial sends it back for as long as he likes, and it
// comes back on trial again.
func TestTrialFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newGentlePool(t, 4, 0)
		bounce(t, p, 0, Ejected)
		old := try(t, p, 0, 2)
		set(t, p, 0, Ejected, true)
		require.False(t, at(p, 0).OnTrial())
		try(t, p, 0, 0)
		set(t, p, 0, Ejected, false)
		release(old, Outcome{Class: Answered})
		require.True(t, at(p, 0).OnTrial(), "those are of the trial before")
		release(try(t, p, 0, 2), Outcome{Class: Answered})
		require.Equal(t, Ramping, state(p, 0).Comeback)
		set(t, p, 0, ProbeFailed, true)
		set(t, p, 0, Ejected, true)
		set(t, p, 0, ProbeFailed, false)
		require.Equal(t, Away, state(p, 0).Comeback, "a probe alone brings nobody back whose requests failed")
		require.False(t, state(p, 0).Eligible)
		set(t, p, 0, Ejected, false)
		require.Equal(t, OnTrial, state(p, 0).Comeback)
	})
}

// TestEndsOfTrialRequests: what says nothing of the server neither ends a trial nor sends it back
// to its beginning, and gives the place in it back.
func TestEndsOfTrialRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newGentlePool(t, 3, 50)
		bounce(t, p, 0, Ejected)
		for _, o := range []Outcome{{Class: ClientGone}, {Class: Refused}, {}} {
			release(try(t, p, 0, 2), o)
			require.True(t, at(p, 0).OnTrial())
		}
		held := fill(t, p)
		w := enqueue(t, p, &Request{Exclude: []*Endpoint{at(p, 1), at(p, 2)}})
		for _, lease := range held {
			if lease.Endpoint() == at(p, 0) {
				lease.Release(Outcome{Class: ClientGone})
				break
			}
		}
		require.True(t, w.Bound(), "who waits gets a place in the trial")
		w.Poke()
		_, err := w.Wait()
		require.ErrorIs(t, err, ErrPoked)
		require.EqualValues(t, 1, at(p, 0).trial.trying)
		release(held, Outcome{Class: Answered})
		require.Zero(t, at(p, 0).trial.trying)
		require.True(t, at(p, 0).OnTrial(), "only one was served")
		assertIdle(t, p)
	})
}

// TestNobodyIsGentleWithAll: after an outage of most all are cold alike, and those that are left
// could not bear what the others do not take.
func TestNobodyIsGentleWithAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newGentlePool(t, 4, 10)
		for i := range 4 {
			set(t, p, i, ProbeFailed, true)
		}
		for i := range 4 {
			set(t, p, i, ProbeFailed, false)
			require.Zero(t, state(p, i).Trial)
			require.Equal(t, 1.0, state(p, i).Ramp)
			require.True(t, at(p, i).OnTrial())
		}
		leases := fill(t, p)
		require.Len(t, leases, 40)
		release(leases, Outcome{Class: Answered})
		for i := range 4 {
			require.Equal(t, Ramping, state(p, i).Comeback, "requests beyond a trial's count for it as well")
		}
		time.Sleep(testRamp)
		synctest.Wait()
		for i := range 4 {
			require.Equal(t, Settled, state(p, i).Comeback)
		}
	})
}

// TestTrialWhereNothingElseIsLeft: a request that may not go elsewhere goes to an endpoint on
// trial, however many try it already, unless it can wait.
func TestTrialWhereNothingElseIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newGentlePool(t, 2, 0)
		bounce(t, p, 0, Ejected)
		only := &Request{Exclude: []*Endpoint{at(p, 1)}}
		for range 5 {
			_, err := p.Acquire(only)
			require.NoError(t, err)
		}
		p = newGentlePool(t, 2, 10)
		bounce(t, p, 0, Ejected)
		only = &Request{Exclude: []*Endpoint{at(p, 1)}}
		for range trialSlots {
			_, err := p.Acquire(only)
			require.NoError(t, err)
		}
		_, err := p.Acquire(only)
		require.ErrorIs(t, err, ErrFull)
	})
}

// TestWhoRamps: a server that is new among others does, but not all at the start, nor one that
// only has another name, nor one whose connections are made otherwise.
func TestWhoRamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newGentlePool(t, 2, 0)
		require.Equal(t, Settled, state(p, 0).Comeback)
		list := slotted(3, 0)
		require.NoError(t, p.Apply(gentle(queued(testQueue)), list))
		require.Equal(t, []Comeback{Settled, Settled, Ramping}, []Comeback{state(p, 0).Comeback, state(p, 1).Comeback, state(p, 2).Comeback})
		time.Sleep(testRamp / 2)
		list[2].Via, list[1].Name = "another way", "renamed"
		require.NoError(t, p.Apply(gentle(queued(testQueue)), list))
		require.Equal(t, Ramping, state(p, 2).Comeback)
		require.InDelta(t, 0.5, state(p, 2).Ramp, 1e-9, "the ramp goes on")
		require.Equal(t, Settled, state(p, 1).Comeback)
		o := gentle(queued(testQueue))
		o.SlowStart = 0
		require.NoError(t, p.Apply(o, list))
		require.Equal(t, Settled, state(p, 2).Comeback, "ramps are switched off")
		list[0].URL = "http://127.0.0.1:7"
		require.NoError(t, p.Apply(o, list))
		require.Equal(t, 1.0, state(p, 0).Ramp)
		bounce(t, p, 0, Ejected)
		release(try(t, p, 0, 2), Outcome{Class: Answered})
		require.Equal(t, Settled, state(p, 0).Comeback, "a trial there is all the same")
	})
}

// TestWayBackIsTold with how long each part of it took.
func TestWayBackIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, told := NewPool("chat", NewLoads()), []Transition(nil)
		o := gentle(Options{Policy: turns{"turns"}})
		o.Notify = func(tr Transition) { told = append(told, tr) }
		require.NoError(t, p.Apply(o, endpoints(3)))
		set(t, p, 0, Ejected, true)
		time.Sleep(time.Second)
		set(t, p, 0, Ejected, false)
		time.Sleep(2 * time.Second)
		release(try(t, p, 0, 2), Outcome{Class: Answered})
		time.Sleep(testRamp)
		synctest.Wait()
		assert.Equal(t, []Transition{
			{Upstream: "chat", Endpoint: "e0", Condition: Ejected, On: true, Reason: "test"},
			{Upstream: "chat", Endpoint: "e0", Condition: Ejected, After: time.Second},
			{Upstream: "chat", Endpoint: "e0", Comeback: OnTrial, On: true},
			{Upstream: "chat", Endpoint: "e0", Comeback: OnTrial, After: 2 * time.Second},
			{Upstream: "chat", Endpoint: "e0", Comeback: Ramping, On: true},
			{Upstream: "chat", Endpoint: "e0", Comeback: Ramping, After: testRamp},
		}, told)
	})
}

// TestNextComeback: nothing but the end of its trial settles a server that was away.
func TestNextComeback(t *testing.T) {
	for at := range comebackCount {
		assert.Equal(t, Away, nextComeback[at][wentAway])
		for ev := range comebackEvents {
			next := nextComeback[at][ev]
			if at == Away && next != Away {
				assert.Equal(t, OnTrial, next)
			}
			if at == OnTrial && next != OnTrial && next != Away {
				assert.Equal(t, passedTrial, ev)
			}
			if at != Ramping && next == Settled {
				assert.Equal(t, Settled, at)
			}
		}
	}
}
