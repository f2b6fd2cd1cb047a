// The same traces in virtual time, and over a sweep of loads.

package lab

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/theory"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

const (
	simulatedPerSecond = 400_000.0 // requests, about: for the estimate only
	sweepRequests      = 40_000    // for each point of the plot over load

	longestQueue = 100_000 // as the measured contenders have it
	longestWait  = 10 * time.Minute
)

func simulationTakes(requests int) time.Duration {
	return time.Duration(float64(requests) / simulatedPerSecond * float64(time.Second))
}

// simulate runs each of our contenders, and the central queue, on each trace in virtual time.
func (l *Lab) simulate(ctx context.Context, c scenario.Case, traces []trace.Trace, t *table) ([]report.Line, error) {
	for _, contender := range l.contenders(false) {
		for i, tr := range traces {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			l.steps.at("simulating "+contender.Name, simulationTakes(len(tr.Requests)), 0)
			results, err := l.virtual(c, contender, tr, l.options.Seed+uint64(i))
			if err != nil {
				return nil, fmt.Errorf("simulate %s: %w", contender.Name, err)
			}
			t.simulated[contender.Name] = append(t.simulated[contender.Name], runOf(results))
			l.steps.end(simulationTakes(len(tr.Requests)))
		}
	}
	if len(l.scenario.Changes) > 0 {
		return nil, nil // the central queue knows of none
	}
	var lines []report.Line
	for _, order := range []balancer.Order{balancer.FIFO, balancer.ShortestFirst} {
		var means []report.Number
		for _, tr := range traces {
			results, err := sim.CentralQueue(l.engines(scenario.Contender{}), promptTokens, tr, order)
			if err != nil {
				return nil, err
			}
			means = append(means, report.Number(results.Mean().Seconds()))
			l.steps.end(simulationTakes(len(tr.Requests)))
		}
		source := "simulated on the same traces: one queue, fastest free endpoint first, no cost of any kind"
		if order == balancer.ShortestFirst {
			source += "; shortest hint first, true or not"
		}
		lines = append(lines, report.Line{Name: fmt.Sprintf("central queue, %s", order), Response: figure.Median(means), Source: source})
	}
	if c.Hints.None {
		return lines[:1], nil
	}
	return lines, nil
}

func runOf(results sim.Results) run {
	r := run{response: results.Response, served: results.Served, failures: map[string]int64{}}
	if results.Full > 0 {
		r.failures["refused"] = int64(results.Full)
	}
	if results.TimedOut > 0 {
		r.failures["waited too long"] = int64(results.TimedOut)
	}
	return r
}

// virtual runs one of our contenders on one trace of a case.
func (l *Lab) virtual(of scenario.Case, c scenario.Contender, t trace.Trace, seed uint64) (sim.Results, error) {
	clock := new(sim.Clock)
	o := sim.Options{
		Endpoints: l.engines(c), Prompt: promptTokens, Balancers: of.Balancers, Hear: of.Hear, Seed: seed, Clock: clock,
		Policy: builder(c.Policy, seed, clock),
	}
	if c.Queue != "" {
		order, err := balancer.ParseOrder(c.Queue)
		if err != nil {
			return sim.Results{}, err
		}
		o.Queue = balancer.QueueOptions{Order: order, MaxRequests: longestQueue, MaxWait: longestWait}
		o.Learn = order.BySize() // nobody else asks
	}
	for _, change := range l.scenario.Changes {
		for i, e := range l.scenario.Endpoints {
			if e.Name == change.Endpoint {
				o.Changes = append(o.Changes, sim.Change{At: change.At, Endpoint: i, Capacity: change.Capacity})
			}
		}
	}
	return sim.Run(o, t)
}

// builder is a policy as configured by name, with chance and time as the simulation has them.
func builder(name string, seed uint64, clock *sim.Clock) balancer.Builder {
	switch name {
	case "two_choices":
		return policy.TwoChoices(policy.Options{Seed: seed})
	case "random":
		return policy.Random(policy.Options{Seed: seed})
	case "optimal_split":
		return policy.OptimalSplit(policy.OptimalSplitOptions{Scale: 1, Now: clock.Now}) // capacities are requests/s
	}
	b, err := policy.Lookup(name)
	if err != nil {
		panic("BUG: " + err.Error()) // scenario has checked it
	}
	return b
}

// engines are the endpoints as a contender sees them.
func (l *Lab) engines(c scenario.Contender) []sim.Endpoint {
	told := l.scenario.Told(c)
	list := make([]sim.Endpoint, len(l.scenario.Endpoints))
	for i, e := range l.scenario.Endpoints {
		list[i] = sim.Endpoint{Name: e.Name, Engine: e.Options, Told: told[i]}
		if c.Queue != "" {
			list[i].Limit = e.Slots
		}
	}
	return list
}

// sweep simulates our contenders over the load, and puts theory beside.
func (l *Lab) sweep(ctx context.Context, c scenario.Case) ([]report.Curve, error) {
	if c.Work == "trace" || len(l.scenario.Sweep) == 0 {
		return nil, nil
	}
	var curves []report.Curve
	for _, contender := range l.contenders(false) {
		curve := report.Curve{Name: contender.Name}
		for _, load := range l.scenario.Sweep {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			requests := min(sweepRequests, 4*l.scenario.Requests)
			l.steps.at(fmt.Sprintf("simulating %s at load %g", contender.Name, load), simulationTakes(sweepRequests), 0)
			y, err := l.atLoad(c, contender, load, requests)
			if err != nil {
				return nil, fmt.Errorf("simulate %s at load %g: %w", contender.Name, load, err)
			}
			curve.Points = append(curve.Points, report.Point{X: load, Y: y})
			l.steps.end(simulationTakes(sweepRequests))
		}
		curves = append(curves, curve)
	}
	bounds := []report.Curve{{Name: "pooled bound", Theory: true}, {Name: "preemptive bound", Theory: true}}
	for _, load := range l.scenario.Sweep {
		rate := load * l.scenario.Capacity()
		for i, value := range []float64{theory.PooledBound(l.capacities(), rate), theory.PreemptiveBound(l.perSlot(), rate)} {
			bounds[i].Points = append(bounds[i].Points, report.Point{X: load, Y: report.Number(value)})
		}
	}
	if c.Work == "exponential" {
		return append(curves, bounds...), nil
	}
	return append(curves, bounds[0]), nil
}

// atLoad is the mean response time at a load; none where the contender's fixed shares overload an endpoint.
func (l *Lab) atLoad(c scenario.Case, contender scenario.Contender, load float64, requests int) (report.Number, error) {
	there := *l.scenario
	there.Rate = load * l.scenario.Capacity()
	contender.Unstable = false
	there.Contenders = []scenario.Contender{contender}
	if there.Carried() != nil {
		return report.None(), nil
	}
	there.Requests = requests
	t, err := trace.New(there.Traced(c, l.options.Seed))
	if err != nil {
		return report.None(), err
	}
	if l.overload(there.Rate, there.Contenders, t) != nil {
		return report.None(), nil
	}
	results, err := l.virtual(c, contender, t, l.options.Seed)
	return report.Number(results.Mean().Seconds()), err
}

// spread is the squared coefficient of variation of the traces' work.
func spread(traces []trace.Trace) float64 {
	n, sum, squares := 0.0, 0.0, 0.0
	for _, t := range traces {
		for _, r := range t.Requests {
			n++
			sum += r.Work
			squares += r.Work * r.Work
		}
	}
	mean := sum / n
	return math.Max(squares/n/(mean*mean)-1, 0)
}
