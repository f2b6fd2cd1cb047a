// The same with something wrong.

package real

import (
	"fmt"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// variant is a setting with something wrong.
type variant struct {
	name   string
	of     string // the setting
	load   float64
	batch  engine.Batch // of all engines, where it differs from their kind's
	change func(*sim.Options, trace.Trace)
	right  bool    // compared with least_load as it is without the variant, else with the same
	most   float64 // R × least_load
}

// variants are what a gateway must bear.
var variants = []variant{
	{name: "capacity of the H100 declared × 2", of: "conv L4", load: usualLoad, right: true, most: .87, change: declare(0, 2)},
	{name: "capacity of the H100 declared ÷ 2", of: "conv L4", load: usualLoad, right: true, most: .87, change: declare(0, .5)},
	{name: "capacity of an A40 declared × 2", of: "conv L4", load: usualLoad, right: true, most: .87, change: declare(2, 2)},
	{name: "capacity of an A40 declared ÷ 2", of: "conv L4", load: usualLoad, right: true, most: .87, change: declare(2, .5)},
	{name: "two gateways", of: "conv L8", load: usualLoad, most: .93, change: func(o *sim.Options, _ trace.Trace) { o.Balancers = 2 }},
	{name: "512 tokens per iteration", of: "conv E4", load: usualLoad, most: .83, batch: engine.Batch{Budget: 512}},
	{name: "512 tokens per iteration", of: "chat E4", load: usualLoad, most: 1.02, batch: engine.Batch{Budget: 512}},
	{name: "the H100 turns half as fast", of: "conv L4", load: .5, most: 1.00, change: slow(0)},
	{name: "an A100 turns half as fast", of: "chat S6", load: .5, most: 1.00, change: slow(1)},
	{name: "an engine restarts", of: "agent L4", load: .5, most: 1.00, change: restart(0)},
	{name: "an engine joins cold", of: "agent L4", load: .5, most: 1.00, change: join(1)},
}

// contenders are least_load and what goals are of.
func (v variant) contenders(o Options) (list []contender) {
	for _, c := range o.contenders(usualLoad) {
		if c.name == against || c.judged && c.uses != "" {
			list = append(list, c)
		}
	}
	return list
}

func declare(e int, factor float64) func(*sim.Options, trace.Trace) {
	return func(o *sim.Options, _ trace.Trace) { o.Endpoints[e].Told = factor * o.Endpoints[e].Engine.Capacity }
}

// slow makes an engine half as fast from the middle of the trace on. Nobody is told.
func slow(e int) func(*sim.Options, trace.Trace) {
	return func(o *sim.Options, t trace.Trace) {
		o.Changes = append(o.Changes, sim.Change{At: t.Duration() / 2, Endpoint: e, Capacity: o.Endpoints[e].Engine.Capacity / 2})
	}
}

// restart empties an engine's memory in the middle of the trace.
func restart(e int) func(*sim.Options, trace.Trace) {
	return func(o *sim.Options, t trace.Trace) {
		o.Changes = append(o.Changes, sim.Change{At: t.Duration() / 2, Endpoint: e, Restart: true})
	}
}

// join lets an engine in when a third of the trace is over.
func join(e int) func(*sim.Options, trace.Trace) {
	return func(o *sim.Options, t trace.Trace) { o.Endpoints[e].Joins = t.Duration() / 3 }
}

// judgeVariant holds the variant whose jobs begin here against its limit.
func judgeVariant(all []*job, at, seeds int) report.Goal {
	jobs := all[at : at+seeds]
	first := jobs[0]
	v := first.variant
	g := report.Goal{Name: fmt.Sprintf("%s at %g: %s", v.of, v.load, v.name), Unjudged: first.setting.kind.stands()}
	base := column(jobs, indexOf(first.contenders, against))
	if v.right {
		i := slices.IndexFunc(all, func(j *job) bool { return j.variant.name == "" && j.setting.name() == v.of && j.load == v.load })
		if i < 0 {
			g.Unjudged = "the load without it was not asked for"
			return g
		}
		base = column(all[i:i+seeds], indexOf(all[i].contenders, against))
	}
	for i, c := range first.contenders {
		if c.name != against {
			ratio := row(c, column(jobs, i), base).Times.R
			g.Checks = append(g.Checks, report.AtMost("R of "+c.name, float64(ratio), v.most, "×"))
		}
	}
	if len(g.Checks) == 0 && g.Unjudged == "" {
		g.Unjudged = rule + " took no part"
	}
	return g
}
