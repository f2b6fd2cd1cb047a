package replay

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
)

// advised is what an advisor says of a fleet after so much traffic.
func advised(t *testing.T, f fleet, o trace.Options) map[advice.Kind][]advice.Advice {
	t.Helper()
	rows := f.recorded(t, o)
	a := advice.New(advice.Options{Replay: New})
	a.Configure([]advice.Upstream{f.setup})
	for i := range rows {
		a.Add(&rows[i])
	}
	a.Step(rows[len(rows)-1].End())
	all := map[advice.Kind][]advice.Advice{}
	for _, one := range a.Advice() {
		t.Logf("%s %s %s: %s", one.Kind, one.Endpoint, one.Status, one.Text)
		all[one.Kind] = append(all[one.Kind], one)
	}
	return all
}

func only(t *testing.T, all []advice.Advice) advice.Advice {
	t.Helper()
	require.Len(t, all, 1)
	return all[0]
}

// TestASlowEndpointIsFound: one of three does half of what its capacity says.
func TestASlowEndpointIsFound(t *testing.T) {
	f := fleet{engines([]float64{1, 2, 0.75}, 4, 0), upstream("capacity", []float64{1, 2, 1.5}, 4, waits)}
	all := advised(t, f, trace.Options{Seed: 1, Requests: 20_000, Rate: 2.8})
	a := only(t, all[advice.Capacity])
	require.Equal(t, advice.Advised, a.Status, a.Text)
	assert.Equal(t, "e3", a.Endpoint)
	assert.InEpsilon(t, 0.75, a.Evidence["measured"], 0.1)
	assert.True(t, a.Interval[0] < 0.75 && 0.75 < a.Interval[1], "%v", a.Interval)
	assert.Equal(t, advice.ByReplay, a.Effect.By)
	// What is told is what is then had.
	is := f
	is.setup.Endpoints = slices.Clone(f.setup.Endpoints)
	is.setup.Endpoints[2].Capacity = a.Evidence["measured"].(float64)
	o := trace.Options{Seed: 2, Requests: 20_000, Rate: 2.8}
	ratio := measured(requests(is.recorded(t, o))) / measured(requests(f.recorded(t, o)))
	t.Logf("told %.3f, had %.3f", a.Effect.Ratio, ratio)
	assert.InEpsilon(t, ratio, a.Effect.Ratio, 0.3)
	for _, kind := range []advice.Kind{advice.Limits, advice.Policy} {
		assert.NotEqual(t, advice.Advised, only(t, all[kind]).Status)
	}
}

// TestAllIsWell: nothing is advised where nothing is wrong.
func TestAllIsWell(t *testing.T) {
	true3 := []float64{1, 2, 1.5}
	all := advised(t, fleet{engines(true3, 4, 0), upstream("least_load", true3, 4, waits)}, trace.Options{Seed: 1, Requests: 20_000, Rate: 3.5})
	for kind, list := range all {
		for _, a := range list {
			assert.NotEqual(t, advice.Advised, a.Status, "%s: %s", kind, a.Text)
		}
	}
	assert.Equal(t, advice.NoChange, only(t, all[advice.Capacity]).Status)
}

// TestTheShortestFirst is advised where requests differ much and wait, and hints tell.
func TestTheShortestFirst(t *testing.T) {
	true3 := []float64{1, 2, 1.5}
	f := fleet{engines(true3, 1, 0), upstream("least_load", true3, 1, waits)}
	a := only(t, advised(t, f, trace.Options{Seed: 1, Requests: 20_000, Rate: 3.6, Work: trace.Heavy})[advice.Policy])
	require.Equal(t, advice.Advised, a.Status, a.Text)
	assert.Less(t, a.Effect.Ratio, 0.8)
	assert.Greater(t, a.Interval[0], 2.0)
	assert.Equal(t, []advice.Change{{Upstream: "chat", Key: "queue.order", Value: "shortest_first"}}, a.Changes)
	// With hints that say nothing there is no gain, and so no advice.
	a = only(t, advised(t, f, trace.Options{Seed: 1, Requests: 20_000, Rate: 3.6, Work: trace.Heavy, Hints: trace.Hints{Random: true}})[advice.Policy])
	assert.Equal(t, advice.NoChange, a.Status, a.Text)
	assert.Contains(t, a.Text, "gains nothing")
}

// TestSlotsThatAreNotThere are found where an endpoint has no limit and requests wait in it.
func TestSlotsThatAreNotThere(t *testing.T) {
	true3 := []float64{1, 2, 1.5}
	all := advised(t, fleet{engines(true3, 4, 0), upstream("capacity", true3, 0, waits)}, trace.Options{Seed: 1, Requests: 20_000, Rate: 3.7})
	a := only(t, all[advice.Limits])
	require.Equal(t, advice.Advised, a.Status, a.Text)
	assert.Less(t, a.Effect.Ratio, 0.98)
	require.Len(t, a.Changes, 3)
	for _, name := range []string{"e1", "e2", "e3"} {
		assert.InDelta(t, 4, a.Evidence[name], 1, a.Text)
	}
	assert.Equal(t, advice.NotEnoughData, only(t, all[advice.Replicas]).Status)
}
