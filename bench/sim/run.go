// A simulation from its options to its results.

package sim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// Run serves the trace in virtual time, by the very code that serves real requests: each
// balancer is a balancer.Pool with its policy and its queue, whose clock is virtual. It
// goes on until every request is done or was refused. Equal options and traces give equal
// results.
func Run(o Options, t trace.Trace) (Results, error) {
	if err := o.validate(); err != nil {
		return Results{}, err
	}
	if o.Clock == nil {
		o.Clock = new(Clock)
	}
	o.Clock.set(0)
	l := newLoop(o.Endpoints, o.Prompt, t, o.Clock)
	f, err := newFleet(o, l)
	if err != nil {
		return Results{}, fmt.Errorf("simulate: %w", err)
	}
	var changes []change
	for _, c := range o.Changes {
		changes = append(changes, change{at: c.At.Seconds(), make: func() { f.change(c) }})
	}
	changes = append(changes, f.looks()...)
	changes = append(changes, f.arrivals(o, l)...)
	if o.watch != nil {
		changes = append(changes, o.watch(f)...)
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	l.run(f, changes)
	return l.results, f.err
}

// describe returns what the balancers are told of the endpoints.
func describe(endpoints []Endpoint) []balancer.EndpointOptions {
	told := make([]balancer.EndpointOptions, len(endpoints))
	for i, e := range endpoints {
		name := e.Name
		if name == "" {
			name = fmt.Sprintf("endpoint %d", i+1)
		}
		told[i] = balancer.EndpointOptions{
			Name: name, URL: fmt.Sprintf("http://engine-%d", i), Capacity: e.Engine.Capacity, Slots: e.Limit, Via: i,
		}
		if e.Told != 0 {
			told[i].Capacity = e.Told
		}
		told[i].CacheTokens = int64(engine.New(e.Engine).State().TotalTokens) // as engines say of themselves; 0: it has no cache to speak of
	}
	return told
}
