// Serving the trace under a configuration.

package replay

import (
	"errors"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	laws "github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
)

// seed is that of policies that draw lots: every replay draws the same.
const seed = 1

// serve implements advice.Serve.
func (r *replay) serve(u advice.Upstream, speed float64) ([]time.Duration, error) {
	clock := new(sim.Clock)
	o := sim.Options{Clock: clock, Seed: seed, Endpoints: r.endpoints(&u)}
	var err error
	if o.Policy, err = r.policy(&u, clock); err != nil {
		return nil, err
	}
	if u.Queue.MaxRequests > 0 {
		o.Queue = balancer.QueueOptions{MaxRequests: u.Queue.MaxRequests, MaxWait: u.Queue.MaxWait, TakeAtOnce: !u.Queue.HoldBack}
		if o.Queue.Order, err = balancer.ParseOrder(u.Queue.Order); err != nil {
			return nil, err
		}
	}
	switch {
	case r.sizes != nil:
		o.Work = func(q trace.Request) float64 { return r.size(q.Session - 1) }
	case o.Queue.Order.BySize():
		o.Learn = true // as the gateway would
	}
	results, err := sim.Run(o, trace.Trace{Requests: r.faster(speed)})
	if err != nil {
		return nil, err
	}
	for i, response := range results.Response {
		if response == sim.Unserved {
			results.Response[i] = advice.Unserved
		}
	}
	return results.Response, nil
}

// endpoints are those of the configuration, each with the engine that it must have.
func (r *replay) endpoints(u *advice.Upstream) (list []sim.Endpoint) {
	for _, e := range u.Endpoints {
		if e.Tier > 0 {
			continue
		}
		known, ok := r.engines[e.Name]
		if !ok {
			known = engine{law: r.law, slots: max(e.Slots, 1)}
			known.speed = e.Capacity * r.unit / (float64(known.slots) * known.law.speed(known.slots))
		}
		list = append(list, sim.Endpoint{
			Name: e.Name, Limit: e.Slots, Told: e.Capacity,
			Engine: laws.Options{Capacity: known.capacity(), Slots: known.slots, Slowing: known.law.slowing},
		})
	}
	return list
}

// policy is the one that is configured, with virtual time and chance of its own.
func (r *replay) policy(u *advice.Upstream, clock *sim.Clock) (balancer.Builder, error) {
	switch u.Policy {
	case "least_cost":
		return nil, errors.New("least_cost goes by tokens and prompts, which are not recorded")
	case "optimal_split":
		return policy.OptimalSplit(policy.OptimalSplitOptions{Scale: r.unit / r.mean, Now: clock.Now}), nil
	case "two_choices":
		return policy.TwoChoices(policy.Options{Seed: seed}), nil
	case "random":
		return policy.Random(policy.Options{Seed: seed}), nil
	}
	b, err := policy.Lookup(u.Policy)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return b, nil
}
