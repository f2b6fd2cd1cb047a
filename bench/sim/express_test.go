package sim

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// TestExpress: the last slot kept for short requests is a gain where work is heavy-tailed
// and slots are few, and costs next to nothing elsewhere.
func TestExpress(t *testing.T) {
	for _, c := range []struct {
		work  trace.Work
		load  float64
		slots int
		most  float64 // of the mean with shortest_first
	}{
		{trace.Heavy, 0.67, 1, 0.88}, {trace.Heavy, 0.84, 1, 0.9}, {trace.Heavy, 0.92, 1, 0.97}, {trace.Heavy, 0.84, 8, 1.01},
		{trace.Exponential, 0.67, 1, 1.015}, {trace.Exponential, 0.84, 1, 1.03}, {trace.Exponential, 0.84, 8, 1.005},
		{trace.Constant, 0.84, 1, 1.005},
	} {
		made := asked(t, trace.Options{Seed: 4, Requests: 100_000, Rate: 225 * c.load, Work: c.work, Hints: trace.Hints{Noise: 0.5}})
		run := func(order balancer.Order) Results {
			o := Options{Endpoints: trio(c.slots), Policy: policy.LeastLoad(), Work: Hinted, Queue: endless(order)}
			for e := range o.Endpoints {
				o.Endpoints[e].Slots = c.slots
			}
			return ran(t, o, made)
		}
		shortest, express := run(balancer.ShortestFirst), run(balancer.Express)
		long := func(i int) bool { return made.Requests[i].Work > 2 }
		t.Logf("%s at %v, %d slots: shortest_first %.2f, express %.2f ms; of the long ones %v, %v", c.work, c.load, c.slots,
			ms(shortest), ms(express), shortest.MeanOf(long), express.MeanOf(long))
		assert.LessOrEqual(t, ms(express), c.most*ms(shortest))
	}
}
