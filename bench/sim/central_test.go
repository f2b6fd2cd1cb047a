package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/theory"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// trio is the fleet of the reference figures: ΣC = 225, a slot each.
func trio(limit int) []Endpoint {
	return []Endpoint{{Engine: engine.Options{Capacity: 50}, Limit: limit}, {Engine: engine.Options{Capacity: 100}, Limit: limit}, {Engine: engine.Options{Capacity: 75}, Limit: limit}}
}

// asked returns a generated trace.
func asked(t testing.TB, o trace.Options) trace.Trace {
	t.Helper()
	made, err := trace.New(o)
	require.NoError(t, err)
	return made
}

func ran(t testing.TB, o Options, made trace.Trace) Results {
	t.Helper()
	r, err := Run(o, made)
	require.NoError(t, err)
	return r
}

func ideal(t testing.TB, endpoints []Endpoint, made trace.Trace, order balancer.Order) Results {
	t.Helper()
	r, err := CentralQueue(endpoints, prompt, made, order)
	require.NoError(t, err)
	return r
}

// endless is a queue that takes everybody.
func endless(order balancer.Order) balancer.QueueOptions {
	return balancer.QueueOptions{Order: order, MaxRequests: 1_000_000, MaxWait: 24 * time.Hour}
}

// TestReferenceFigures holds the simulation to figures that were found independently.
// Each is the mean over three seeds of 200,000 requests. Where work is heavy-tailed one
// seed differs from another by 4 % at load ⅔ and by 9 % at 0.84, and by half of that for
// the shortest first: the tolerances are two standard errors and the rounding.
func TestReferenceFigures(t *testing.T) {
	for _, c := range []struct {
		work      trace.Work
		rate      float64
		noise     float64
		counting  float64 // (n+½)/C without a queue, ms; 0: not given
		fifo      float64
		shortest  float64
		tolerance float64 // of counting and fifo
	}{
		{trace.Exponential, 150, 0, 0, 18.6, 0, 0.03},
		{trace.Heavy, 150, 0, 0, 41.6, 0, 0.08},
		{trace.Heavy, 225 * 0.67, 0, 53, 44, 24, 0.08},
		{trace.Heavy, 225 * 0.84, 0, 130, 119, 37, 0.13},
		{trace.Heavy, 225 * 0.67, 0.7, 0, 0, 24, 0.08},
		{trace.Heavy, 225 * 0.84, 0.7, 0, 0, 37, 0.13},
	} {
		t.Run(fmt.Sprintf("%s at %.0f, noise %v", c.work, c.rate, c.noise), func(t *testing.T) {
			t.Parallel()
			const seeds = 3
			var counting, fifo, shortest float64
			for seed := range uint64(seeds) {
				made := asked(t, trace.Options{Seed: seed, Requests: 100_000, Rate: c.rate, Work: c.work, Hints: trace.Hints{Noise: c.noise}})
				if c.counting > 0 {
					counting += ms(ran(t, Options{Endpoints: trio(0), Policy: policy.LeastLoad()}, made)) / seeds
				}
				if c.fifo > 0 {
					fifo += ms(ideal(t, trio(0), made, balancer.FIFO)) / seeds
				}
				if c.shortest > 0 {
					shortest += ms(ideal(t, trio(0), made, balancer.ShortestFirst)) / seeds
				}
			}
			t.Logf("least load %.1f ms, first come %.1f ms, shortest first %.1f ms", counting, fifo, shortest)
			assert.InDelta(t, c.counting, counting, c.tolerance*c.counting)
			assert.InDelta(t, c.fifo, fifo, c.tolerance*c.fifo)
			assert.InDelta(t, c.shortest, shortest, 0.6*c.tolerance*c.shortest+0.5)
		})
	}
}

func ms(r Results) float64 { return r.Mean().Seconds() * 1000 }

// TestPoolIsTheCentralQueue: with slots that are told truly, the real pool with its queue,
// as long as it has measured nothing by which it would hold a request back,
// must do what the ideal does, request by request.
func TestPoolIsTheCentralQueue(t *testing.T) {
	eight := []Endpoint{{Engine: engine.Options{Capacity: 40, Slots: 8}, Limit: 8}, {Engine: engine.Options{Capacity: 160, Slots: 8}, Limit: 8}, {Engine: engine.Options{Capacity: 80, Slots: 4}, Limit: 4}}
	sharing := []Endpoint{{Engine: engine.Options{Capacity: 40, Slots: 8, Discipline: engine.Sharing}, Limit: 8}, {Engine: engine.Options{Capacity: 160, Slots: 2, Discipline: engine.Sharing}, Limit: 2}}
	batching := []Endpoint{{Engine: engine.Options{Capacity: 40, Slots: 8, Prefill: 1000, Slowing: 0.25}, Limit: 8}, {Engine: engine.Options{Capacity: 160, Slots: 4, Prefill: 1000, Slowing: 0.25}, Limit: 4}, {Engine: engine.Options{Capacity: 80}, Limit: 1}}
	for name, endpoints := range map[string][]Endpoint{"one slot": trio(1), "several slots": eight, "sharing": sharing, "batching": batching} {
		total := 0.0
		for _, e := range endpoints {
			total += e.Engine.Capacity
		}
		for _, order := range []balancer.Order{balancer.FIFO, balancer.ShortestFirst} {
			for _, load := range []float64{0.3, 0.67, 0.95} {
				made := asked(t, trace.Options{Seed: 7, Requests: 8_000, Rate: load * total, Work: trace.Heavy, Arrivals: trace.Bursts, Hints: trace.Hints{Noise: 0.7}})
				want := ideal(t, endpoints, made, order)
				got := ran(t, Options{Endpoints: endpoints, Prompt: prompt, Policy: policy.LeastLoad(), Queue: endless(order), Work: hinted, status: 500}, made)
				assert.Equal(t, want, got, "%s, %s, load %v", name, order, load)
			}
		}
	}
}

// TestTheCentralQueueKeepsTheBounds: nothing that does not know the work may come below
// them.
func TestTheCentralQueueKeepsTheBounds(t *testing.T) {
	capacities := []float64{50, 100, 75}
	for _, load := range []float64{0.2, 0.5, 0.8, 0.9} {
		made := asked(t, trace.Options{Seed: 3, Requests: 60_000, Rate: load * 225})
		got := ideal(t, trio(0), made, balancer.FIFO).Mean().Seconds()
		bound := theory.PreemptiveBound(capacities, load*225)
		assert.Greater(t, got, bound*0.98)
		assert.Less(t, got, bound*1.25, "a central queue is close to the bound")
	}
}

// TestOneCentralEngineIsAKnownQueue: one endpoint with slots is M/M/K.
func TestOneCentralEngineIsAKnownQueue(t *testing.T) {
	for _, slots := range []int{1, 4, 16} {
		made := asked(t, trace.Options{Seed: 4, Requests: 200_000, Rate: 75})
		got := ideal(t, []Endpoint{{Engine: engine.Options{Capacity: 100, Slots: slots}}}, made, balancer.FIFO)
		want := theory.SlotsSplit([]float64{100}, []int{slots}, []float64{75}).Mean
		assert.InEpsilon(t, want, got.Mean().Seconds(), 0.03, "%d slots", slots)
	}
}

func TestCentralQueueRefuses(t *testing.T) {
	_, err := CentralQueue(nil, nil, trace.Trace{}, balancer.FIFO)
	assert.ErrorContains(t, err, "simulate: there are no endpoints")
}
