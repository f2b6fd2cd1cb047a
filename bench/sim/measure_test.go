package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
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

// TestCapacitiesAreMeasured: told that all are alike, and again after one has become half
// as fast, the shares come to what is true within 30 s.
func TestCapacitiesAreMeasured(t *testing.T) {
	endpoints := []Endpoint{
		{Capacity: 50, Told: 100, Slots: 4, Limit: 4, AutoCapacity: true},
		{Capacity: 100, Slots: 4, Limit: 4, AutoCapacity: true},
		{Capacity: 75, Told: 100, Slots: 4, Limit: 4, AutoCapacity: true},
	}
	made := asked(t, trace.Options{Seed: 1, Requests: 24_000, Rate: 150})
	const step = 80 * time.Second
	for _, balancers := range []int{1, 2} {
		got := ran(t, Options{
			Endpoints: endpoints, Policy: policy.Capacity(policy.CapacityOptions{}), Balancers: balancers,
			Queue:   endless(balancer.FIFO),
			Work:    Hinted,
			Changes: []Change{{At: step, Endpoint: 1, Capacity: 50}},
		}, made)
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
	got := ran(t, Options{
		Endpoints: []Endpoint{{Capacity: 100, Slots: 8, AutoSlots: true}}, Policy: policy.LeastLoad(), Queue: endless(balancer.FIFO), Work: Hinted,
	}, made)
	most := 0
	for _, s := range got.Queue {
		if s.At > 60*time.Second {
			most = max(most, s.InFlight)
		}
	}
	t.Logf("at most %d in flight, R = %.1f ms", most, ms(got))
	assert.GreaterOrEqual(t, most, 8)
	assert.LessOrEqual(t, most, 24)
}
