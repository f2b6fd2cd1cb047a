package balancer

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestApplyKeepsWhatStays(t *testing.T) {
	p := newTestPool(t, 3)
	e0, e1 := at(p, 0), at(p, 1)
	_, err := p.SetCondition("e1", Draining, true, "operator")
	require.NoError(t, err)
	lease, err := p.Acquire(nil)
	require.NoError(t, err)
	require.Same(t, e0, lease.Endpoint())

	next := []EndpointOptions{endpoints(3)[1], endpoints(3)[0], {Name: "new", URL: "http://127.0.0.1:9100", Capacity: 7}}
	next[1].Capacity = 250
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, next))
	s := p.Snapshot()
	assert.Same(t, e1, s.Endpoints[0].Endpoint)
	assert.Equal(t, Draining, s.Endpoints[0].Conditions)
	assert.Same(t, e0, s.Endpoints[1].Endpoint, "a capacity change is not a new endpoint")
	assert.Equal(t, 250.0, s.Endpoints[1].Capacity)
	assert.Equal(t, int64(1), s.Endpoints[1].Endpoint.Load().InFlight())
	assert.Zero(t, s.Endpoints[2].Conditions)

	lease.Release(Outcome{})
	assert.Zero(t, e0.Load().InFlight())
}

func TestApplyNewURLIsNewEndpoint(t *testing.T) {
	p := newTestPool(t, 2)
	old := at(p, 0)
	_, err := p.SetCondition("e0", ProbeFailed, true, "status 503")
	require.NoError(t, err)
	moved := endpoints(2)
	moved[0].URL = "http://127.0.0.1:9999"
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, moved))
	assert.NotSame(t, old, at(p, 0))
	assert.NotEqual(t, old.ID(), at(p, 0).ID())
	assert.True(t, p.Snapshot().Endpoints[0].Eligible)

	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints(2)))
	assert.Greater(t, at(p, 0).ID(), old.ID(), "an ID is never given again")
}

func TestApplyIdenticalChangesNothing(t *testing.T) {
	p := newTestPool(t, 3)
	before := p.Snapshot()
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints(3)))
	assert.Same(t, before, p.Snapshot())
	require.NoError(t, p.Apply(Options{Policy: turns{"others"}}, endpoints(3)))
	assert.Equal(t, "others", p.Snapshot().Policy)
	assert.Same(t, before.Endpoints[0].Endpoint, at(p, 0))
}

func TestApplyRefuses(t *testing.T) {
	good := endpoints(2)
	with := func(change func(o *EndpointOptions)) []EndpointOptions {
		list := endpoints(2)
		change(&list[1])
		return list
	}
	tests := map[string]struct {
		build Builder
		list  []EndpointOptions
		want  string
	}{
		"nothing":           {turns{"turns"}, nil, "the list of endpoints is empty"},
		"no policy":         {nil, good, "no policy is given"},
		"no name":           {turns{"turns"}, with(func(o *EndpointOptions) { o.Name = "" }), `endpoint "http://127.0.0.1:9002" has no name`},
		"no URL":            {turns{"turns"}, with(func(o *EndpointOptions) { o.URL = "" }), `endpoint "e1" has no URL`},
		"name twice":        {turns{"turns"}, with(func(o *EndpointOptions) { o.Name = "e0" }), `two endpoints are named "e0"`},
		"capacity zero":     {turns{"turns"}, with(func(o *EndpointOptions) { o.Capacity = 0 }), `endpoint "e1": capacity must be positive and finite, is 0`},
		"capacity negative": {turns{"turns"}, with(func(o *EndpointOptions) { o.Capacity = -1 }), "is -1"},
		"capacity NaN":      {turns{"turns"}, with(func(o *EndpointOptions) { o.Capacity = math.NaN() }), "is NaN"},
		"capacity infinite": {turns{"turns"}, with(func(o *EndpointOptions) { o.Capacity = math.Inf(1) }), "is +Inf"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := newTestPool(t, 3)
			before := p.Snapshot()
			err := p.Apply(Options{Policy: test.build}, test.list)
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, `upstream "chat"`)
			assert.Same(t, before, p.Snapshot())
		})
	}
	all := []EndpointOptions{{URL: "http://a:1", Capacity: 1}, {Name: "b", Capacity: -2}}
	err := newTestPool(t, 1).Apply(Options{Policy: turns{"turns"}}, all)
	assert.ErrorContains(t, err, "has no name")
	assert.ErrorContains(t, err, "has no URL")
	assert.ErrorContains(t, err, "is -2", "all problems at once")
}
