package sim

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// TestTheLastSlot: kept for short requests it is a gain where work is heavy-tailed and
// slots are few, and costs next to nothing elsewhere.
func TestTheLastSlot(t *testing.T) {
	for _, c := range []struct {
		work  trace.Work
		load  float64
		slots int
		most  float64 // of the mean where it is not kept
	}{
		{trace.Heavy, 0.67, 1, 0.88}, {trace.Heavy, 0.84, 1, 0.9}, {trace.Heavy, 0.92, 1, 0.97}, {trace.Heavy, 0.84, 8, 1.01},
		{trace.Exponential, 0.67, 1, 1.015}, {trace.Exponential, 0.84, 1, 1.03}, {trace.Exponential, 0.84, 8, 1.005},
		{trace.Constant, 0.84, 1, 1.005},
	} {
		made := asked(t, trace.Options{Seed: 4, Requests: 30_000, Rate: 225 * c.load, Work: c.work, Hints: trace.Hints{Noise: 0.5}})
		fleet := trio(c.slots)
		for e := range fleet {
			fleet[e].Engine.Slots = c.slots
		}
		kept := ran(t, Options{Endpoints: fleet, Policy: policy.LeastLoad(), Work: hinted, Queue: endless(balancer.ShortestFirst)}, made)
		taken := ideal(t, fleet, made, balancer.ShortestFirst)
		long := func(i int) bool { return made.Requests[i].Work > 2 }
		t.Logf("%s at %v, %d slots: %.2f ms where it is taken, %.2f where it is kept; of the long ones %v, %v", c.work, c.load, c.slots,
			ms(taken), ms(kept), taken.of(long).Mean(), kept.of(long).Mean())
		assert.LessOrEqual(t, ms(kept), c.most*ms(taken))
	}
}

// TestSlowSlots: leaving them is a gain where endpoints are very unequal, and costs next to
// nothing where they are not.
func TestSlowSlots(t *testing.T) {
	unequal, slow := slotted(1, 20, 20, 40, 80, 160), slotted(1, 100, 100, 100, 10)
	eight, mild := slotted(8, 40, 160, 80), slotted(1, 90, 100, 110)
	for _, c := range []struct {
		fleet []Endpoint
		work  trace.Work
		order balancer.Order
		load  float64
		most  float64 // of the mean where they are taken
	}{
		{unequal, trace.Exponential, balancer.FIFO, 0.67, 0.93}, {unequal, trace.Heavy, balancer.FIFO, 0.67, 0.99},
		{unequal, trace.Exponential, balancer.ShortestFirst, 0.67, 0.88}, {unequal, trace.Heavy, balancer.ShortestFirst, 0.67, 0.83},
		{unequal, trace.Exponential, balancer.FIFO, 0.92, 1}, {unequal, trace.Heavy, balancer.FIFO, 0.92, 1.02},
		{slow, trace.Exponential, balancer.FIFO, 0.67, 0.9}, {slow, trace.Exponential, balancer.FIFO, 0.4, 0.82},
		{slow, trace.Exponential, balancer.ShortestFirst, 0.67, 0.86},
		{eight, trace.Exponential, balancer.FIFO, 0.67, 1}, {eight, trace.Heavy, balancer.FIFO, 0.67, 1.02},
		{mild, trace.Exponential, balancer.FIFO, 0.84, 1}, {trio(1), trace.Heavy, balancer.FIFO, 0.84, 1.01},
	} {
		total := 0.0
		for _, e := range c.fleet {
			total += e.Engine.Capacity
		}
		left, taken := 0.0, 0.0
		for seed := range uint64(2) {
			made := asked(t, trace.Options{Seed: seed, Requests: 30_000, Rate: c.load * total, Work: c.work, Hints: trace.Hints{Noise: 0.5}})
			left += ms(ran(t, Options{Endpoints: c.fleet, Policy: policy.LeastLoad(), Work: hinted, Queue: endless(c.order)}, made))
			taken += ms(ideal(t, c.fleet, made, c.order))
		}
		t.Logf("%s of %d endpoints, %s at %v: %.2f ms where they are taken, %.2f where they are left", c.work, len(c.fleet), c.order, c.load, taken/2, left/2)
		assert.LessOrEqual(t, left, c.most*taken)
	}
}

// slotted returns endpoints of so many slots each.
func slotted(slots int, capacities ...float64) (fleet []Endpoint) {
	for _, c := range capacities {
		fleet = append(fleet, Endpoint{Engine: engine.Options{Capacity: c, Slots: slots}, Limit: slots})
	}
	return fleet
}
