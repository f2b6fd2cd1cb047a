// The same in virtual time, by the policies' own code.

package live

import (
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/sim"
)

// simulate has the rows whose rule is known serve the case in virtual time. HAProxy's is least_load with a queue in front
// of it; nginx's sends to the least n/C, which least_load is within a percent of.
func (b *Board) simulate(o Options, f offer) error {
	for i, c := range o.contenders() {
		name := c.policy
		if c.peer() {
			name = against
		}
		builder, err := policy.Lookup(name)
		if err != nil {
			return err
		}
		s, err := f.simulate(builder, c, o.Seed)
		if err != nil {
			return err
		}
		n := numbers(s)
		b.Rows[i].Simulated = &n
	}
	return nil
}

func (f offer) simulate(builder balancer.Builder, c contender, seed uint64) (Spans, error) {
	so := sim.Options{Policy: builder, Seed: seed, Clock: new(sim.Clock)}
	if c.slots > 0 {
		so.Queue = balancer.QueueOptions{Order: balancer.FIFO, MaxRequests: 1_000_000, MaxWait: 1000 * time.Hour, TakeAtOnce: true}
	}
	if c.queue {
		so.Queue = balancer.QueueOptions{Order: balancer.ShortestFirst, MaxRequests: 1_000_000, MaxWait: queueWait, ReadAhead: readAhead}
	}
	limits := c.limits(f.capacities)
	for i, kind := range f.Engines {
		so.Endpoints = append(so.Endpoints, sim.Endpoint{Engine: engine.Options{Kind: kind, Capacity: f.capacities[i]}, Limit: limits[i]})
	}
	results, err := sim.Run(so, f.trace)
	if err != nil {
		return Spans{}, err
	}
	var list []seen
	for i, response := range results.Response {
		if response != sim.Unserved {
			list = append(list, seen{response.Seconds(), results.First[i].Seconds(), f.trace.Requests[i].AnswerTokens})
		}
	}
	return spans(counted(list)), nil
}
