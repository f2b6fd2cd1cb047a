package balancer

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPoolBeforeApply(t *testing.T) {
	p := NewPool("chat", NewLoads())
	assert.Equal(t, "chat", p.Name())
	assert.Equal(t, &Snapshot{Upstream: "chat"}, p.Snapshot())
	_, err := p.Acquire(nil)
	assert.ErrorIs(t, err, ErrNoEndpoint)
}

func TestPoolSnapshot(t *testing.T) {
	p := NewPool("chat", NewLoads())
	list := endpoints(3)
	list[1].Capacity = 300
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, list))
	_, err := p.SetCondition("e2", Draining, true, "new disk")
	require.NoError(t, err)

	s := p.Snapshot()
	assert.Equal(t, "turns", s.Policy)
	require.Len(t, s.Endpoints, 3)
	for i, e := range s.Endpoints {
		assert.Equal(t, list[i].Name, e.Endpoint.Name())
		assert.Equal(t, list[i].URL, e.Endpoint.URL())
		assert.Equal(t, list[i].Capacity, e.Base)
		assert.Equal(t, list[i].Capacity, e.Capacity)
		assert.Equal(t, i != 2, e.Eligible)
	}
	assert.InDelta(t, 0.25, s.Endpoints[0].Share, 1e-12)
	assert.InDelta(t, 0.75, s.Endpoints[1].Share, 1e-12)
	assert.Zero(t, s.Endpoints[2].Share)
	assert.Equal(t, Draining, s.Endpoints[2].Conditions)
	assert.Equal(t, "new disk", s.Endpoints[2].Reasons[0].Text)
}

func TestPoolSharesOfHugeCapacities(t *testing.T) {
	p := NewPool("chat", NewLoads())
	list := endpoints(2)
	list[0].Capacity, list[1].Capacity = math.MaxFloat64, math.MaxFloat64
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, list))
	assert.Equal(t, 0.5, p.Snapshot().Endpoints[0].Share)
}

func TestAcquireExcludes(t *testing.T) {
	p := newTestPool(t, 2)
	for range 10 {
		lease, err := p.Acquire(&Request{Exclude: []*Endpoint{at(p, 0)}})
		require.NoError(t, err)
		assert.Same(t, at(p, 1), lease.Endpoint())
		lease.Release(Outcome{})
	}
	_, err := p.Acquire(&Request{Exclude: []*Endpoint{at(p, 0), at(p, 1)}})
	assert.ErrorIs(t, err, ErrNoEndpoint)
	assert.Zero(t, at(p, 0).Load().InFlight()+at(p, 1).Load().InFlight())
}

// TestAcquireSurvivesPanickingPolicy: a broken policy costs the request that met it.
func TestAcquireSurvivesPanickingPolicy(t *testing.T) {
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(Options{Policy: panics{turns{"panics"}}}, endpoints(1)))
	assert.Panics(t, func() { _, _ = p.Acquire(nil) })
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints(1)))
	_, err := p.Acquire(nil)
	assert.NoError(t, err)
}

type panics struct{ turns }

func (b panics) Build(candidates []Candidate) Picker {
	return &panicsPicker{turnsPicker{candidates: candidates}}
}

type panicsPicker struct{ turnsPicker }

func (*panicsPicker) Pick(*Request) (int, bool) { panic("BUG: in a policy") }

func TestSetCondition(t *testing.T) {
	p := newTestPool(t, 2)
	first := p.Snapshot()

	changed, err := p.SetCondition("e0", ProbeFailed, true, "connect: connection refused")
	require.NoError(t, err)
	assert.True(t, changed)
	second := p.Snapshot()
	assert.Equal(t, first.Version+1, second.Version)
	assert.True(t, first.Endpoints[0].Eligible, "a snapshot never changes")
	assert.False(t, second.Endpoints[0].Eligible)

	changed, err = p.SetCondition("e0", ProbeFailed, true, "another reason")
	require.NoError(t, err)
	assert.False(t, changed)
	assert.Same(t, second, p.Snapshot(), "no change, no snapshot")
	assert.Equal(t, "connect: connection refused", p.Snapshot().Endpoints[0].Reasons[0].Text)

	_, err = p.SetCondition("e0", Draining, true, "operator")
	require.NoError(t, err)
	_, err = p.SetCondition("e0", ProbeFailed, false, "")
	require.NoError(t, err)
	assert.Equal(t, Draining, p.Snapshot().Endpoints[0].Conditions, "one writer does not undo another")
	assert.False(t, p.Snapshot().Endpoints[0].Eligible)

	_, err = p.SetCondition("e1", ProbeFailed, true, "")
	require.NoError(t, err)
	_, err = p.Acquire(nil)
	assert.ErrorIs(t, err, ErrNoEndpoint, "a failed probe is never overruled")
}

func TestSetConditionErrors(t *testing.T) {
	p := newTestPool(t, 10)
	before := p.Snapshot()
	_, err := p.SetCondition("e11", Draining, true, "")
	require.Error(t, err)
	assert.Equal(t, `set condition of endpoint "e11": upstream "chat" has no such endpoint; it has e0, e1, e2, e3, e4, e5, e6, e7, ...`, err.Error())
	for _, c := range []Condition{0, Draining | Ejected, Departing, 1 << 6} {
		_, err = p.SetCondition("e1", c, true, "")
		assert.ErrorContains(t, err, "may not be set so")
	}
	assert.Same(t, before, p.Snapshot())

	_, err = NewPool("empty", NewLoads()).SetCondition("e", Draining, true, "")
	assert.ErrorContains(t, err, "it has none")
}

// TestChangesFromManyGoroutines: each change is in force when its call returns, whoever
// published it.
func TestChangesFromManyGoroutines(t *testing.T) {
	const n = 64
	p := newTestPool(t, n)
	var wg sync.WaitGroup
	for i := range n {
		name := at(p, i).Name()
		wg.Go(func() {
			for _, on := range []bool{true, false, true} {
				changed, err := p.SetCondition(name, ProbeFailed, on, "")
				assert.NoError(t, err)
				assert.True(t, changed)
				assert.Equal(t, !on, p.Snapshot().Endpoints[i].Eligible)
			}
		})
	}
	wg.Wait()
	for _, e := range p.Snapshot().Endpoints {
		assert.Equal(t, ProbeFailed, e.Conditions)
	}
}

func TestPickerInherits(t *testing.T) {
	p := newTestPool(t, 2)
	first := p.Snapshot().seats.guard.picker.(*turnsPicker)
	assert.Nil(t, first.predecessor)
	_, err := p.SetCondition("e0", Draining, true, "")
	require.NoError(t, err)
	second := p.Snapshot().seats.guard.picker.(*turnsPicker)
	assert.Same(t, first, second.predecessor)
	assert.Equal(t, 1, second.inherited)
}
