// What has to come out.

package real

import (
	"fmt"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/report"
)

// measure is one of the figures of report.Spans.
type measure struct {
	name string
	of   func(report.Spans) report.Number
}

var (
	response    = measure{"R", func(s report.Spans) report.Number { return s.R }}
	firstToken  = measure{"TTFT", func(s report.Spans) report.Number { return s.TTFT }}
	firstToken9 = measure{"TTFT p99", func(s report.Spans) report.Number { return s.TTFT99 }}
)

// limit is the most that a figure may be of another contender's.
type limit struct {
	of   measure
	most float64
	over string // a contender's name; empty: least_load, and the best queue of HAProxy's
}

// goal is what a contender must reach on one setting.
type goal struct {
	trace, fleet string
	load         float64
	queue        bool // least_cost with its queue, else without
	limits       []limit
}

// rule and queued are the contenders that goals are about.
const (
	rule   = "least_cost"
	queued = "least_cost + queue"
)

func r(most float64) limit      { return limit{of: response, most: most} }
func ttft(most float64) limit   { return limit{of: firstToken, most: most} }
func ttft99(most float64) limit { return limit{of: firstToken9, most: most} }

// goals are those without variants.
var goals = []goal{
	{trace: conversations.name, fleet: "E4", load: .7, limits: []limit{r(.82), ttft(.66)}},
	{trace: conversations.name, fleet: "L4", load: .7, limits: []limit{r(.86), ttft(.74)}},
	{trace: conversations.name, fleet: "E4", load: .85, limits: []limit{r(.78), ttft(.68)}},
	{trace: conversations.name, fleet: "L4", load: .85, limits: []limit{r(.82), ttft(.68)}},
	{trace: chat.name, fleet: "S6", load: .7, limits: []limit{r(.82), ttft(1.02), ttft99(2.3)}},
	{trace: chat.name, fleet: "E4", load: .7, limits: []limit{r(.87), ttft(1.02), ttft99(2.3)}},
	{trace: chat.name, fleet: "S6", load: .7, queue: true, limits: []limit{ttft99(1.6)}},
	{trace: chat.name, fleet: "E4", load: .7, queue: true, limits: []limit{ttft99(1.6)}},
	{trace: codePoisson.name, fleet: "S6", load: .7, limits: []limit{r(1.05), ttft(.95)}},
	{trace: codePoisson.name, fleet: "S6", load: .85, limits: []limit{r(1.05), ttft(.95)}},
	{trace: code.name, fleet: "S6", load: .7, queue: true, limits: []limit{r(.70), ttft(.60)}},
	{trace: documents.name, fleet: "L4", load: .7, limits: []limit{r(.66), ttft(.50)}},
	{trace: agent.name, fleet: "L4", load: .7, limits: []limit{r(.42), ttft(.12), {response, .88, "llm-d 2/2/3"}}},
	{trace: agent.name, fleet: "E4", load: .7, limits: []limit{r(.34), ttft(.20)}},
	{trace: tool.name, fleet: "E4", load: .7, limits: []limit{r(.81), ttft(.56)}},
}

// relaxed is what holds at load .5 on every setting.
var relaxed = []limit{r(1.00), ttft(1.15)}

// judge holds the goals against the offers. public says which traces are the published ones.
func judge(offers []report.Offer, settings []setting) (list []report.Goal) {
	all := slices.Clone(goals)
	for _, s := range settings {
		all = append(all, goal{trace: s.kind.name, fleet: s.fleet.name, load: .5, limits: relaxed})
	}
	for _, g := range all {
		i := slices.IndexFunc(offers, func(o report.Offer) bool { return o.Trace == g.trace && o.Fleet == g.fleet && o.Load == g.load })
		at := slices.IndexFunc(settings, func(s setting) bool { return s.kind.name == g.trace && s.fleet.name == g.fleet })
		if i < 0 || at < 0 {
			continue
		}
		list = append(list, g.judge(&offers[i], settings[at].kind.stands()))
	}
	return list
}

// judge holds one goal against its offer; unjudged says why it cannot be.
func (g goal) judge(o *report.Offer, unjudged string) report.Goal {
	name := rule
	if g.queue {
		name = queued
	}
	held := report.Goal{Name: fmt.Sprintf("%s at %g, %s", o.Name(), g.load, name), Unjudged: unjudged}
	row := o.Row(name)
	if row == nil {
		held.Unjudged = name + " took no part"
		return held
	}
	for _, l := range g.limits {
		if l.over != "" {
			if other := o.Row(l.over); other != nil {
				held.Checks = append(held.Checks, report.AtMost(l.of.name+" × "+l.over, float64(l.of.of(over(row.Spans, other.Spans))), l.most, "×"))
			}
			continue
		}
		held.Checks = append(held.Checks, report.AtMost(l.of.name, float64(l.of.of(row.Times)), l.most, "×"))
		if best := bestQueue(o); best != nil {
			held.Checks = append(held.Checks, report.AtMost(l.of.name+" × "+best.Contender, float64(l.of.of(over(row.Spans, best.Spans))), l.most, "×"))
		}
	}
	return held
}

// bestQueue is the queue of HAProxy's that has the least R; nil where none took part.
func bestQueue(o *report.Offer) (best *report.Served) {
	for _, slots := range queueSlots {
		if row := o.Row(queueName(slots)); row != nil && (best == nil || row.R < best.R) {
			best = row
		}
	}
	return best
}

// Missed are the goals that were missed, for the exit code.
func Missed(r *report.Result) (list []string) {
	for _, g := range r.Goals {
		if !g.Met() {
			list = append(list, g.Name+": "+g.Figures())
		}
	}
	return list
}
