package balancer

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// holding are options of a pool that may be empty, and holds requests for what has still to come.
func holding(hold time.Duration, empty bool) Options {
	o := queued(QueueOptions{MaxRequests: 3, MaxWait: time.Hour})
	o.MayBeEmpty, o.Hold, o.HoldEmpty = true, hold, empty
	return o
}

// arriving are new endpoints.
func arriving(n int) []EndpointOptions {
	list := endpoints(n)
	for i := range list {
		list[i].Arriving = true
	}
	return list
}

// Requests that come while nobody is there are served by the first who arrives.
func TestRequestsAreHeldForWhatArrives(t *testing.T) {
	for _, slots := range []int{0, 1} {
		t.Run(fmt.Sprintf("%d slots", slots), func(t *testing.T) {
			p, o := NewPool("chat", NewLoads()), holding(time.Minute, true)
			require.NoError(t, p.Apply(o, nil))
			require.True(t, p.Snapshot().Holding)
			_, err := p.Acquire(&Request{})
			require.ErrorIs(t, err, ErrFull)
			var waiters []*Waiter
			for range 3 {
				waiters = append(waiters, enqueue(t, p, new(Request)))
			}
			full, is := errors.AsType[*QueueFull](func() error { _, err := p.Enqueue(new(Request)); return err }())
			require.True(t, is)
			require.Equal(t, 3, full.Limit)
			list := arriving(1)
			list[0].Slots = slots
			require.NoError(t, p.Apply(o, list))
			require.Equal(t, 3, p.Queue().Waiting)
			require.False(t, p.Snapshot().Endpoints[0].Eligible)
			changed, err := p.SetCondition("e0", Arriving, false, "")
			require.NoError(t, err)
			require.True(t, changed)
			require.False(t, p.Snapshot().Holding)
			for _, w := range waiters {
				lease, err := w.Wait()
				require.NoError(t, err)
				lease.Release(Outcome{Class: Answered})
				w.Recycle()
			}
			require.Zero(t, at(p, 0).Load().InFlight())
			require.Zero(t, p.Queue().Waiting)
		})
	}
}

// A request is held no longer than it may be, and one whose client leaves leaves no trace.
func TestHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool("chat", NewLoads())
		require.NoError(t, p.Apply(holding(time.Minute, true), nil))
		w, gone := enqueue(t, p, new(Request)), enqueue(t, p, new(Request))
		gone.Poke()
		_, err := gone.Wait()
		require.ErrorIs(t, err, ErrPoked)
		require.Equal(t, 1, p.Queue().Waiting)
		began := time.Now()
		_, err = w.Wait()
		late, is := errors.AsType[*WaitedTooLong](err)
		require.True(t, is)
		require.Equal(t, time.Minute, late.Limit)
		require.Equal(t, time.Minute, time.Since(began))
		require.Zero(t, p.Queue().Waiting)
		p.Retire()
	})
}

// Whom a pool holds requests for: those that come, and nobody while some that are there fail.
func TestWhoIsHeldFor(t *testing.T) {
	for name, test := range map[string]struct {
		empty bool
		make  func(list []EndpointOptions) []EndpointOptions
		then  func(p *Pool)
		holds bool
	}{
		"nobody is there":             {empty: true, make: func([]EndpointOptions) []EndpointOptions { return nil }, holds: true},
		"nobody, and that is known":   {empty: false, make: func([]EndpointOptions) []EndpointOptions { return nil }, holds: false},
		"both arrive":                 {make: func(l []EndpointOptions) []EndpointOptions { return l }, holds: true},
		"one arrives, one departs":    {make: func(l []EndpointOptions) []EndpointOptions { l[0].Departing = "x"; return l }, holds: true},
		"both depart":                 {empty: true, make: func(l []EndpointOptions) []EndpointOptions { l[0].Departing, l[1].Departing = "x", "x"; return l }, holds: true},
		"both depart, that is known":  {make: func(l []EndpointOptions) []EndpointOptions { l[0].Departing, l[1].Departing = "x", "x"; return l }, holds: false},
		"one is here":                 {empty: true, make: func(l []EndpointOptions) []EndpointOptions { l[0].Arriving = false; return l }, holds: false},
		"one fails, one arrives":      {empty: true, make: func(l []EndpointOptions) []EndpointOptions { l[0].Arriving = false; return l }, then: fails("e0"), holds: true},
		"both fail":                   {empty: true, make: func(l []EndpointOptions) []EndpointOptions { l[0].Arriving, l[1].Arriving = false, false; return l }, then: fails("e0", "e1"), holds: false},
		"one fails, one is drained":   {empty: true, make: func(l []EndpointOptions) []EndpointOptions { l[0].Arriving, l[1].Arriving = false, false; return l }, then: func(p *Pool) { fails("e0")(p); _, _ = p.SetCondition("e1", Draining, true, "") }, holds: false},
		"an operator drains them all": {empty: true, make: func(l []EndpointOptions) []EndpointOptions { return l[:1] }, then: func(p *Pool) { _, _ = p.SetCondition("e0", Draining, true, "") }, holds: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPool("chat", NewLoads())
			require.NoError(t, p.Apply(holding(time.Minute, test.empty), test.make(arriving(2))))
			if test.then != nil {
				test.then(p)
			}
			assert.Equal(t, test.holds, p.Snapshot().Holding)
			_, err := p.Acquire(&Request{})
			switch {
			case test.holds:
				require.ErrorIs(t, err, ErrFull)
			case p.Snapshot().seats == nil:
				require.ErrorIs(t, err, ErrNoEndpoint)
			}
		})
	}
	p := NewPool("chat", NewLoads())
	o := holding(time.Minute, true)
	o.MayBeEmpty = false
	require.ErrorIs(t, p.Apply(o, nil), ErrNoEndpoints)
	o.Queue.MaxRequests = 0
	require.NoError(t, p.Apply(o, arriving(1)))
	_, err := p.Acquire(&Request{})
	require.ErrorIs(t, err, ErrNoEndpoint, "nobody may wait")
}

func fails(names ...string) func(*Pool) {
	return func(p *Pool) {
		for _, name := range names {
			_, _ = p.SetCondition(name, ProbeFailed, true, "")
		}
	}
}

// Those that have still to arrive are not missed: nothing of the others is in panic for their sake.
func TestArrivingAreNotMissed(t *testing.T) {
	p := NewPool("chat", NewLoads())
	o := holding(0, false)
	o.MaxEjectedRatio, o.PanicRatio, o.SlowStart = 0.5, 0.5, time.Minute
	list := append(endpoints(2), arriving(10)[2:]...)
	require.NoError(t, p.Apply(o, list[:2]))
	require.NoError(t, p.Apply(o, list))
	require.False(t, p.Snapshot().Short)
	_, err := p.SetCondition("e1", Ejected, true, "")
	require.NoError(t, err)
	require.False(t, p.Snapshot().Panicking)
	require.False(t, p.Snapshot().Endpoints[1].Eligible)
	_, err = p.SetCondition("e5", Arriving, false, "")
	require.NoError(t, err)
	require.NoError(t, p.Apply(o, list), "an update makes nobody arrive again")
	require.True(t, p.Snapshot().Endpoints[5].Eligible)
}

// Those that arrive at the start are equally cold, and have their whole share at once; who comes later is cold among others.
func TestWhoArrivesLaterRamps(t *testing.T) {
	for name, list := range map[string][]EndpointOptions{"all are found": arriving(4), "one is listed": append(endpoints(1), arriving(4)[1:]...)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPool("chat", NewLoads())
				o := holding(0, false)
				o.PanicRatio, o.SlowStart = 0.5, time.Minute
				require.NoError(t, p.Apply(o, list))
				for i, want := range []Comeback{Settled, Settled, Settled, Ramping} {
					_, err := p.SetCondition(list[i].Name, Arriving, false, "")
					require.NoError(t, err)
					require.Equal(t, want, p.Snapshot().Endpoints[i].Comeback, list[i].Name)
					time.Sleep(together * 2 / 5)
				}
				synctest.Wait()
				require.Less(t, p.Snapshot().Endpoints[3].Ramp, 1.0)
			})
		})
	}
}

// The same address with another UID is another server.
func TestUID(t *testing.T) {
	loads := NewLoads()
	p, o := NewPool("chat", loads), holding(0, false)
	list := endpoints(1)
	list[0].UID = "one"
	require.NoError(t, p.Apply(o, list))
	_, err := p.SetCondition("e0", ProbeFailed, true, "")
	require.NoError(t, err)
	require.NoError(t, p.Apply(o, list))
	require.Equal(t, ProbeFailed, p.Snapshot().Endpoints[0].Conditions)
	first := at(p, 0)
	list[0].UID = "two"
	require.NoError(t, p.Apply(o, list))
	require.Zero(t, p.Snapshot().Endpoints[0].Conditions)
	require.NotSame(t, first.Load(), at(p, 0).Load())
	require.Equal(t, "two", at(p, 0).UID())
	lease := acquire(t, p, 0)
	require.Equal(t, map[string]int64{"127.0.0.1:9001 two": 1}, loads.Own())
	lease.Release(Outcome{Class: Answered})
}

// Departing comes and goes with the options, and is told.
func TestDepartingByOptions(t *testing.T) {
	p, o := NewPool("chat", NewLoads()), holding(0, false)
	var told []Transition
	o.Notify = func(tr Transition) { told = append(told, tr) }
	list := endpoints(2)
	require.NoError(t, p.Apply(o, list))
	list[1].Departing = "it is replaced"
	require.NoError(t, p.Apply(o, list))
	e := p.Snapshot().Endpoints[1]
	require.False(t, e.Eligible)
	require.Equal(t, "it is replaced", e.Reasons[0].Text)
	list[1].Departing = ""
	require.NoError(t, p.Apply(o, list))
	require.True(t, p.Snapshot().Endpoints[1].Eligible)
	require.Len(t, told, 2)
	require.Equal(t, Departing, told[0].Condition)
	require.True(t, told[0].On)
	require.False(t, told[1].On)
}

// BenchmarkChange is one change of a pool: an update in which one endpoint is another, and one condition that is switched.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		list := make([]EndpointOptions, n)
		for i := range list {
			list[i] = EndpointOptions{Name: fmt.Sprintf("e%d", i), URL: fmt.Sprintf("http://10.0.%d.%d:80", i/250, i%250), UID: "a", Capacity: 1, Slots: 8}
		}
		p, o := NewPool("chat", NewLoads()), holding(0, false)
		require.NoError(b, p.Apply(o, list))
		b.Run(fmt.Sprintf("update, %d endpoints", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				list[i%n].UID = fmt.Sprint(i)
				if err := p.Apply(o, list); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("condition, %d endpoints", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := p.SetCondition(list[i%n].Name, Draining, i/n%2 == 0, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
