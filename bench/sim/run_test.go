package sim

import (
	"math"
	"slices"
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

func TestEqualRunsAreEqual(t *testing.T) {
	made := asked(t, trace.Options{Seed: 1, Requests: 20_000, Rate: 190, Work: trace.Heavy, Hints: trace.Hints{Noise: 0.5}})
	for _, name := range []string{"two_choices", "random", "least_load", "capacity"} {
		run := func() Results {
			built, err := policy.Lookup(name)
			require.NoError(t, err)
			switch name { // they draw lots
			case "two_choices":
				built = policy.TwoChoices(policy.Options{Seed: 5})
			case "random":
				built = policy.Random(policy.Options{Seed: 5})
			}
			return ran(t, Options{
				Endpoints: trio(2), Policy: built, Balancers: 3, Seed: 9, Work: hinted,
				Queue:   balancer.QueueOptions{Order: balancer.ShortestFirst, MaxRequests: 50, MaxWait: time.Second},
				Changes: []Change{{At: 10 * time.Second, Endpoint: 1, Capacity: 60, Told: 60}, {At: 40 * time.Second, Endpoint: 1, Capacity: 110}},
			}, made)
		}
		assert.Equal(t, run(), run(), name)
	}
}

// TestRandomFollowsTheFormula: drawn in proportion to capacity, R is n/(ΣC - T).
func TestRandomFollowsTheFormula(t *testing.T) {
	capacities := []float64{50, 100, 75}
	for _, rate := range []float64{75, 150, 190} {
		made := asked(t, trace.Options{Seed: 6, Requests: 300_000, Rate: rate})
		got := ran(t, Options{Endpoints: trio(0), Policy: policy.Random(policy.Options{Seed: 1})}, made)
		want := theory.ProportionalSplit(capacities, rate).Mean
		assert.InEpsilon(t, 3/(225-rate), want, 1e-9)
		assert.InEpsilon(t, want, got.Mean().Seconds(), 0.04, "T = %v", rate)
	}
}

// TestOneRequestAtATime checks times that can be told by heart.
func TestOneRequestAtATime(t *testing.T) {
	at := func(ms int, work float64) trace.Request {
		return trace.Request{At: time.Duration(ms) * time.Millisecond, Work: work}
	}
	made := trace.Trace{Requests: []trace.Request{at(0, 1), at(50, 1), at(50, 1), at(1000, 2)}}
	for name, c := range map[string]struct {
		endpoint Endpoint
		want     []int // ms
	}{
		"first come":           {Endpoint{Engine: engine.Options{Capacity: 10}}, []int{100, 150, 250, 200}},
		"two slots":            {Endpoint{Engine: engine.Options{Capacity: 10, Slots: 2}}, []int{200, 200, 350, 400}},
		"sharing":              {Endpoint{Engine: engine.Options{Capacity: 10, Discipline: engine.Sharing}}, []int{200, 250, 250, 200}},
		"sharing by two slots": {Endpoint{Engine: engine.Options{Capacity: 10, Slots: 2, Discipline: engine.Sharing}}, []int{275, 275, 275, 400}},
	} {
		got := ran(t, Options{Endpoints: []Endpoint{c.endpoint}, Policy: policy.LeastLoad()}, made)
		for i, want := range c.want {
			assert.InDelta(t, want, got.Response[i].Seconds()*1000, 1e-5, "%s, request %d", name, i)
			assert.Zero(t, got.Wait[i])
		}
	}
}

func TestChangesOfSpeed(t *testing.T) {
	made := trace.Trace{Requests: []trace.Request{{Work: 1}, {At: 2 * time.Second, Work: 1}}}
	got := ran(t, Options{
		Endpoints: []Endpoint{{Engine: engine.Options{Capacity: 1}}}, Policy: policy.LeastLoad(),
		Changes: []Change{{At: 500 * time.Millisecond, Capacity: 0.5}, {At: 900 * time.Millisecond, Capacity: 3}, {At: time.Hour, Capacity: 1}},
	}, made)
	assert.InDelta(t, 0.9+0.3/3, got.Response[0].Seconds(), 1e-8)
	assert.InDelta(t, 1.0/3, got.Response[1].Seconds(), 1e-8)
}

// TestWhatBalancersAreToldDecides: a change that they hear of moves traffic at once.
func TestWhatBalancersAreToldDecides(t *testing.T) {
	made := asked(t, trace.Options{Seed: 1, Requests: 10_000, Rate: 100})
	half := made.Duration() / 2
	run := func(change Change) []int {
		change.At = half
		got := ran(t, Options{
			Endpoints: []Endpoint{{Engine: engine.Options{Capacity: 100}}, {Engine: engine.Options{Capacity: 300}, Told: 100}}, Policy: policy.Capacity(policy.CapacityOptions{}),
			Changes: []Change{change},
		}, made)
		counts := make([]int, 2)
		for i, e := range got.Served {
			if made.Requests[i].At > half {
				counts[e]++
			}
		}
		return counts
	}
	blind := run(Change{Endpoint: 1, Capacity: 50})
	assert.InDelta(t, blind[0], blind[1], 2)
	told := run(Change{Endpoint: 1, Capacity: 50, Told: 300})
	assert.InDelta(t, 3*told[0], told[1], 8)
}

// TestEightSlots: counting keeps its place where engines work on several requests at once.
func TestEightSlots(t *testing.T) {
	for _, c := range []struct {
		load float64
		work trace.Work
	}{{0.67, trace.Exponential}, {0.67, trace.Heavy}, {0.9, trace.Exponential}, {0.9, trace.Heavy}} {
		made := asked(t, trace.Options{Seed: 4, Requests: 30_000, Rate: 225 * c.load, Work: c.work, Hints: trace.Hints{Noise: 0.5}})
		run := func(p balancer.Builder, limit int, order balancer.Order) float64 {
			o := Options{Endpoints: trio(limit), Policy: p, Work: hinted}
			for e := range o.Endpoints {
				o.Endpoints[e].Engine.Slots = 8
			}
			if limit > 0 {
				o.Queue = endless(order)
			}
			return ms(ran(t, o, made))
		}
		counting := run(policy.LeastLoad(), 0, balancer.FIFO)
		proportional := run(policy.Capacity(policy.CapacityOptions{}), 0, balancer.FIFO)
		choices := run(policy.TwoChoices(policy.Options{Seed: 1}), 0, balancer.FIFO)
		fifo := run(policy.LeastLoad(), 8, balancer.FIFO)
		shortest := run(policy.LeastLoad(), 8, balancer.ShortestFirst)
		t.Logf("%s at %v: capacity %.1f, two_choices %.1f, least_load %.1f, fifo %.1f, shortest_first %.1f ms",
			c.work, c.load, proportional, choices, counting, fifo, shortest)
		assert.Less(t, counting, choices)
		assert.Less(t, choices, proportional)
		assert.Less(t, fifo, counting*1.005)
		assert.Less(t, shortest, fifo)
	}
}

// TestReplicas: four balancers that cannot see each other lose much of what counting
// gains; drawing two in proportion loses less, and is the better there.
func TestReplicas(t *testing.T) {
	endpoints, total := uneven(40, 1)
	made := asked(t, trace.Options{Seed: 8, Requests: 100_000, Rate: 0.8 * total})
	run := func(p balancer.Builder, balancers int) float64 {
		return ms(ran(t, Options{Endpoints: endpoints, Policy: p, Balancers: balancers, Seed: 1}, made))
	}
	choices := func() balancer.Builder { return policy.TwoChoices(policy.Options{Seed: 2}) }
	alone, apart := run(policy.LeastLoad(), 1), run(policy.LeastLoad(), 4)
	twoAlone, twoApart := run(choices(), 1), run(choices(), 4)
	blind := run(policy.Random(policy.Options{Seed: 2}), 1)
	t.Logf("least_load: alone %.1f, one of four %.1f ms; two_choices: alone %.1f, one of four %.1f ms; random %.1f ms",
		alone, apart, twoAlone, twoApart, blind)
	assert.Less(t, alone, apart)
	assert.Less(t, twoAlone, twoApart)
	assert.Less(t, alone, twoAlone)
	assert.Less(t, twoApart, apart)
	assert.Less(t, apart, blind)
}

func TestRunRefuses(t *testing.T) {
	good := Options{Endpoints: trio(1), Policy: policy.LeastLoad()}
	for _, c := range []struct {
		spoil func(o *Options)
		says  string
	}{
		{func(o *Options) { o.Endpoints = nil }, "there are no endpoints"},
		{func(o *Options) { o.Endpoints[1].Engine.Capacity = math.Inf(1) }, "endpoint 1: capacity +Inf: give the units of work"},
		{func(o *Options) { o.Endpoints[2].Engine.Slots = -1 }, "endpoint 2: slots -1: must be at least 1"},
		{func(o *Options) { o.Endpoints[0].Limit = -1 }, `endpoint "endpoint 1": slots must be 0`},
		{func(o *Options) { o.Endpoints[0].Name = "endpoint 2" }, `two endpoints are named "endpoint 2"`},
		{func(o *Options) { o.Policy = nil }, "no policy is given"},
		{func(o *Options) { o.Balancers = -1 }, "balancers must be 1 or more, is -1"},
		{func(o *Options) { o.Queue.MaxRequests = 1 }, "the longest wait must be positive"},
		{func(o *Options) { o.Changes = []Change{{Endpoint: 3, Capacity: 1}} }, "change 0: there is no endpoint 3"},
		{func(o *Options) { o.Changes = []Change{{}} }, "change 0: capacity must be positive and finite, is 0"},
	} {
		o := good
		o.Endpoints = slices.Clone(good.Endpoints)
		c.spoil(&o)
		_, err := Run(o, trace.Trace{Requests: make([]trace.Request, 1)})
		assert.ErrorContains(t, err, c.says)
		assert.ErrorContains(t, err, "simulate: ")
	}
	bad := good
	bad.Changes = []Change{{Capacity: 1, Told: -1}}
	_, err := Run(bad, trace.Trace{Requests: []trace.Request{{Work: 1}}})
	assert.ErrorContains(t, err, "capacity must be positive and finite, is -1", "what the pool refuses must be told")
}

func TestAnEmptyTrace(t *testing.T) {
	got := ran(t, Options{Endpoints: trio(1), Policy: policy.LeastLoad()}, trace.Trace{})
	assert.Zero(t, got.Mean())
}

// BenchmarkMillion serves 10⁶ requests for each iteration.
func BenchmarkMillion(b *testing.B) {
	made := asked(b, trace.Options{Seed: 1, Requests: 1_000_000, Rate: 190, Work: trace.Heavy, Hints: trace.Hints{Noise: 0.5}})
	for name, o := range map[string]Options{
		"capacity":       {Endpoints: trio(0), Policy: policy.Capacity(policy.CapacityOptions{})},
		"least_load":     {Endpoints: trio(0), Policy: policy.LeastLoad()},
		"fifo":           {Endpoints: trio(1), Policy: policy.LeastLoad(), Queue: endless(balancer.FIFO)},
		"shortest_first": {Endpoints: trio(1), Policy: policy.LeastLoad(), Queue: endless(balancer.ShortestFirst), Work: hinted},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ran(b, o, made)
			}
		})
	}
}
