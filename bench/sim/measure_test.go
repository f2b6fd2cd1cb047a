package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// sharesBetween are the shares of requests that came in a span of the trace.
func sharesBetween(made trace.Trace, r Results, from, to time.Duration) []float64 {
	counts, total := make([]float64, r.endpoints), 0.0
	for i, e := range r.Served {
		if at := made.Requests[i].At; e != None && at >= from && at < to {
			counts[e]++
			total++
		}
	}
	for e := range counts {
		counts[e] /= total
	}
	return counts
}

// measureEvery is the time between two looks at what endpoints can do.
const measureEvery = time.Second

// measure is what each balancer finds out about endpoints that it is not told of, beginning with what it was told, by the
// code of balancer/estimate, from what it serves itself.
type measure struct {
	fleet     *fleet
	upstreams []*estimate.Upstream // by balancer
	inFlight  []int32              // by request: at its endpoint when it was bound, itself included
}

// measuring has balancers measure capacities or slots.
func measuring(o Options, capacity, slots bool) Options {
	o.watch = func(f *fleet) (changes []change) {
		m := &measure{fleet: f, inFlight: make([]int32, len(f.leases))}
		for _, told := range f.told {
			options := make([]estimate.Options, len(told))
			for i, e := range told {
				options[i] = estimate.Options{Capacity: e.Capacity, AutoCapacity: capacity, Slots: e.Slots, AutoSlots: slots}
			}
			m.upstreams = append(m.upstreams, estimate.New(options))
		}
		m.tell()
		f.watch = m
		for at := measureEvery; at < f.loop.trace.Duration(); at += measureEvery {
			changes = append(changes, change{at: at.Seconds(), make: m.tick})
		}
		return changes
	}
	return o
}

// tell lets every balancer go by what was measured.
func (m *measure) tell() {
	for p, upstream := range m.upstreams {
		for i, value := range upstream.Values() {
			m.fleet.told[p][i].Capacity, m.fleet.told[p][i].Slots = value.Capacity, value.Slots
		}
	}
	m.fleet.tell()
}

func (m *measure) tick() {
	for _, upstream := range m.upstreams {
		upstream.Tick(measureEvery)
	}
	m.tell()
}

func (m *measure) began(i int32) {
	m.inFlight[i] = int32(m.fleet.leases[i].Endpoint().Load().InFlight())
}

func (m *measure) finished(i int32, service time.Duration) {
	p, e := m.fleet.pool[i], m.fleet.loop.results.Served[i]
	others := m.fleet.pools[p].Snapshot().Endpoints[e].Endpoint.Load().InFlight()
	m.upstreams[p].Meter(e).Finished(m.fleet.predict(int(p), i), service, (int64(m.inFlight[i])+others+2)/2)
}

// TestCapacitiesAreMeasured: told that all are alike, and again after one has become half
// as fast, the shares come to what is true within 30 s.
func TestCapacitiesAreMeasured(t *testing.T) {
	endpoints := []Endpoint{
		{Engine: engine.Options{Capacity: 50, Slots: 4}, Told: 100, Limit: 4},
		{Engine: engine.Options{Capacity: 100, Slots: 4}, Limit: 4},
		{Engine: engine.Options{Capacity: 75, Slots: 4}, Told: 100, Limit: 4},
	}
	made := asked(t, trace.Options{Seed: 1, Requests: 24_000, Rate: 150})
	const step = 80 * time.Second
	for _, balancers := range []int{1, 2} {
		got := ran(t, measuring(Options{
			Endpoints: endpoints, Policy: policy.Capacity(policy.CapacityOptions{}), Balancers: balancers,
			Queue:   endless(balancer.FIFO),
			Work:    hinted,
			Changes: []Change{{At: step, Endpoint: 1, Capacity: 50}},
		}, true, false), made)
		before := sharesBetween(made, got, 30*time.Second, step)
		after := sharesBetween(made, got, step+30*time.Second, made.Duration())
		t.Logf("%d balancers: shares %.3f, then %.3f", balancers, before, after)
		for e, c := range []float64{50, 100, 75} {
			assert.InDelta(t, c/225, before[e], 0.04)
		}
		for e, c := range []float64{50, 50, 75} {
			assert.InDelta(t, c/175, after[e], 0.04)
		}
	}
}

// TestSlotsAreMeasured: an engine that shares is not to be given much more than it works
// on at once.
func TestSlotsAreMeasured(t *testing.T) {
	made := asked(t, trace.Options{Seed: 1, Requests: 20_000, Rate: 80})
	got := ran(t, measuring(Options{
		Endpoints: []Endpoint{{Engine: engine.Options{Capacity: 100, Slots: 8}}}, Policy: policy.LeastLoad(), Queue: endless(balancer.FIFO), Work: hinted,
	}, false, true), made)
	most := 0
	for _, s := range lookedAt(made, got) {
		if s.at > 60*time.Second {
			most = max(most, s.inFlight)
		}
	}
	t.Logf("at most %d in flight, R = %.1f ms", most, ms(got))
	assert.GreaterOrEqual(t, most, 8)
	assert.LessOrEqual(t, most, 24)
}

// TestBatchingEnginesAreMeasured: what is found out of engines that batch is as good as what could be
// told, and slots that are measured never make their batches small.
func TestBatchingEnginesAreMeasured(t *testing.T) {
	const seed = 1
	fleet := []string{"h100", "a100", "a40", "a40"}
	for work, rates := range map[string]map[string]float64{ // requests/s of each engine that is never idle
		"conversations": {"h100": 1.35, "a100": 0.59, "a40": 0.22},
		"chat":          {"h100": 15.9, "a100": 6.7, "a40": 2.9},
	} {
		made, err := trace.Workload{Name: work, Requests: 3000}.Trace(seed)
		require.NoError(t, err)
		total := 0.0
		var told, untold []Endpoint
		for _, kind := range fleet {
			total += rates[kind]
			told = append(told, Endpoint{Engine: engine.Options{Kind: kind}, Told: rates[kind]})
			untold = append(untold, Endpoint{Engine: engine.Options{Kind: kind}, Told: 100})
		}
		for _, load := range []float64{0.5, 0.9} {
			at := made.Stretch(load * total)
			o := Options{Endpoints: told, Policy: policy.LeastLoad(), Learn: true, Seed: seed, Queue: endless(balancer.FIFO)}
			best := ms(ran(t, o, at))
			slots := ms(ran(t, measuring(o, false, true), at))
			o.Endpoints = untold
			capacity := ms(ran(t, measuring(o, true, false), at))
			t.Logf("%s at %.1f: told %.0f ms; × that with slots: auto %.3f, capacity: auto %.3f", work, load, best, slots/best, capacity/best)
			assert.Less(t, slots, 1.06*best, "%s at %v", work, load)
			assert.Less(t, capacity, 1.2*best, "%s at %v", work, load)
		}
	}
}
