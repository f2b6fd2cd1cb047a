package balancer

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newToldPool has n endpoints without slots; what it tells is appended to the list, and the
// pool must be usable meanwhile.
func newToldPool(t *testing.T, n int) (*Pool, *[]Transition) {
	t.Helper()
	p, told := NewPool("chat", NewLoads()), new([]Transition)
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}, MaxEjectedRatio: 0.5, PanicRatio: 0.5, Notify: func(tr Transition) {
		p.Queue() // takes the locks: the caller must hold none
		p.mark("e0", 0, false, "")
		*told = append(*told, tr)
	}}, endpoints(n)))
	return p, told
}

// TestTransitionsAreTold: an outage once when it begins and once when it is over, and the
// panic that it leads to.
func TestTransitionsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, told := newToldPool(t, 2)
		unreachable(t, p, 0)
		for range 3 {
			time.Sleep(longestPause)
			synctest.Wait()
			unreachable(t, p, 0)
		}
		lost := func(name string) Transition {
			return Transition{Upstream: "chat", Endpoint: name, Condition: Unreachable, On: true, Reason: "no route to host"}
		}
		require.Equal(t, []Transition{lost("e0")}, *told)
		unreachable(t, p, 1)
		require.Equal(t, []Transition{lost("e1"), {Upstream: "chat", Panic: IgnoresOutages, On: true}}, (*told)[1:])
		time.Sleep(time.Second)
		lease, ok := acquireAt(t, p, 1)
		require.True(t, ok)
		lease.Reached()
		lease.Release(Outcome{Class: Answered})
		require.Equal(t, []Transition{
			{Upstream: "chat", Endpoint: "e1", Condition: Unreachable, After: time.Second},
			{Upstream: "chat", Panic: IgnoresOutages, After: time.Second},
		}, (*told)[3:])
		time.Sleep(longestPause)
	})
}

// TestConditionsAreTold once they are in force, and only if they have changed.
func TestConditionsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, told := newToldPool(t, 4)
		set := func(endpoint string, c Condition, on bool) {
			_, err := p.SetCondition(endpoint, c, on, "why")
			require.NoError(t, err)
		}
		set("e1", ProbeFailed, true)
		set("e1", ProbeFailed, true)
		time.Sleep(time.Minute)
		set("e1", ProbeFailed, false)
		require.Equal(t, []Transition{
			{Upstream: "chat", Endpoint: "e1", Condition: ProbeFailed, On: true, Reason: "why"},
			{Upstream: "chat", Endpoint: "e1", Condition: ProbeFailed, After: time.Minute},
			{Upstream: "chat", Endpoint: "e1", Comeback: OnTrial, On: true},
		}, *told)
		*told = nil
		set("e0", ProbeFailed, true)
		set("e1", ProbeFailed, true)
		set("e2", Ejected, true)
		require.Equal(t, Transition{Upstream: "chat", Panic: IgnoresEjections, On: true}, (*told)[3])
		set("e0", ProbeFailed, false)
		require.Equal(t, Transition{Upstream: "chat", Panic: IgnoresEjections}, (*told)[len(*told)-1])
		_, err := p.SetCondition("e0", Unreachable, true, "")
		require.Error(t, err, "the pool alone writes it")
	})
}

// TestTransitionsAreToldInOrder and each once, however many goroutines make them.
func TestTransitionsAreToldInOrder(t *testing.T) {
	p, told := newToldPool(t, 2)
	const times = 100
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			for n := range times {
				_, err := p.SetCondition(at(p, i).Name(), Draining, n%2 == 0, "")
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	require.Len(t, *told, 2*times)
	last := map[string]bool{}
	for _, tr := range *told {
		require.NotEqual(t, last[tr.Endpoint], tr.On)
		last[tr.Endpoint] = tr.On
	}
}

// TestStagesOfOutages: an end of an attempt from before the last pause says nothing, but for
// a connection that fails.
func TestStagesOfOutages(t *testing.T) {
	for _, c := range []struct {
		class   OutcomeClass
		old     bool
		ignored bool
		want    [stageCount]stage // from reachable, paused, ready, tried
	}{
		{class: ConnectFailed, want: [...]stage{paused, paused, paused, paused}},
		{class: ConnectFailed, old: true, want: [...]stage{paused, paused, paused, paused}},
		{class: TimedOut, want: [...]stage{reachable, paused, ready, paused}},
		{class: Answered, want: [...]stage{reachable, paused, reachable, reachable}},
		{class: Answered, ignored: true, want: [...]stage{reachable, reachable, reachable, reachable}},
		{class: Answered, old: true, want: [...]stage{reachable, paused, ready, tried}},
		{class: Refused, want: [...]stage{reachable, paused, ready, ready}},
		{class: ClientGone, old: true, want: [...]stage{reachable, paused, ready, tried}},
	} {
		for from := range stageCount {
			var o outage
			o.stage.Store(uint32(from))
			o.pauses.Store(3)
			pauses := uint32(3)
			if c.old {
				pauses = 2
			}
			if ev, tells := o.eventOf(c.class, pauses, c.ignored); tells {
				o.advance(ev)
			}
			assert.Equal(t, c.want[from], o.at(), "%v from %d, old %v", c.class, from, c.old)
		}
	}
}
