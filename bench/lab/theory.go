// The lines of theory beside the rows of a case.

package lab

import (
	"fmt"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
	"github.com/steelyard-proxy/steelyard/bench/theory"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// cv2 of work whose law is known.
var cv2 = map[string]float64{"exponential": 1, "heavy": 10, "constant": 0}

// theory are the lines that stand beside the rows of a case.
func (l *Lab) theory(c scenario.Case, traces []trace.Trace) []report.Line {
	fleet, rate := l.capacities(), l.scenario.Rate
	lines := []report.Line{{Name: "pooled bound", Response: report.Number(theory.PooledBound(fleet, rate)),
		Source: "1/(ΣC − T): one endpoint that has the capacity of all"}}
	if slices.ContainsFunc(l.scenario.Endpoints, batches) {
		lines[0].Source += " with full batches, and reads prompts in no time"
		if len(l.scenario.Changes) == 0 {
			lines = append(lines, report.Line{Name: "no waiting", Response: report.Number(l.alone(traces)),
				Source: "each request alone on the endpoint that is fastest for it; nobody comes below"})
		}
	}
	if c.Work == "exponential" {
		lines = append(lines, report.Line{Name: "preemptive bound", Response: report.Number(theory.PreemptiveBound(l.perSlot(), rate)),
			Source: "requests move to the fastest endpoints while they are served; nobody who does not know their work comes below in the long run"})
	}
	if len(l.scenario.Changes) > 0 || slices.ContainsFunc(l.scenario.Endpoints, func(e scenario.Endpoint) bool { return e.Told != e.Capacity }) {
		return lines // shares do not stay, or go by capacities that are not true
	}
	law, name := l.closedForm(c, traces)
	if law == nil {
		return lines
	}
	proportional, optimal := theory.ProportionalSplit(fleet, rate).Rates, theory.OptimalSplit(fleet, rate).Rates
	return append(lines,
		report.Line{Name: "split by capacity", Response: report.Number(law(proportional).Mean), Source: "requests dealt at random in proportion to C_i; " + name},
		report.Line{Name: "best static split", Response: report.Number(law(optimal).Mean), Source: "the square-root rule, best for exponential work; " + name})
}

// closedForm is what endpoints make of a random split, where a formula knows.
func (l *Lab) closedForm(c scenario.Case, traces []trace.Trace) (func(rates []float64) theory.Split, string) {
	fleet := l.capacities()
	one, sharing, plain := true, true, l.scenario.Arrivals == trace.Poisson
	var slots []int
	for _, e := range l.scenario.Endpoints {
		one = one && e.Slots == 1
		sharing = sharing && e.Discipline == engine.Sharing
		plain = plain && e.Prefill == 0 && e.Slowing == 0 && (e.Discipline == l.scenario.Endpoints[0].Discipline)
		slots = append(slots, e.Slots)
	}
	known, ok := cv2[c.Work]
	if !ok {
		known = spread(traces)
	}
	switch {
	case !plain:
	case one && sharing:
		return func(rates []float64) theory.Split { return theory.StaticSplit(fleet, rates) }, "processor sharing, the same for any work"
	case one:
		name := fmt.Sprintf("Pollaczek–Khinchine with cv² = %.3g", known)
		return func(rates []float64) theory.Split { return theory.FirstComeSplit(fleet, rates, known) }, name
	case c.Work == "exponential" && !sharing:
		return func(rates []float64) theory.Split { return theory.SlotsSplit(fleet, slots, rates) }, "Erlang C"
	}
	return nil, ""
}

// formulas are the worked example's: ways to share T, and what has been published.
func formulas(fleet []float64, rate float64) []report.Formula {
	even, proportional, optimal := theory.EvenSplit(fleet, rate), theory.ProportionalSplit(fleet, rate), theory.OptimalSplit(fleet, rate)
	list := []report.Formula{
		split("even split", "T_i = T/n", even, "The slowest endpoint gets all it can do, or more: its queue grows without bound while others idle."),
	}
	for i, claim := range theory.Published(fleet, rate) {
		f := report.Formula{Name: fmt.Sprintf("published (%d)", i+1), Expression: claim.Formula, Values: figures(claim.Values),
			Response: report.None(), Verdict: claim.Wrong, Wrong: true}
		list = append(list, f)
		if claim.Split != nil {
			list = append(list, split("the same, scaled to T", "T_i ∝ 1/C_i, ΣT_i = T", *claim.Split, "It gives the slowest endpoint the most."))
		}
	}
	return append(list,
		split("by capacity", "T_i = T·C_i/ΣC, R = n/(ΣC − T)", proportional, "Every endpoint is equally busy; stable up to T = ΣC."),
		split("square-root optimum", "T_i = C_i − √C_i·(ΣC − T)/Σ√C", optimal, "The least R that any fixed split of random arrivals gives."),
		report.Formula{Name: "pooled bound", Expression: "R = 1/(ΣC − T)", Response: report.Number(theory.PooledBound(fleet, rate)), Verdict: "One endpoint with the capacity of all: nobody reaches it."},
		report.Formula{Name: "preemptive bound", Expression: "birth-death chain, fastest first", Response: report.Number(theory.PreemptiveBound(fleet, rate)), Verdict: "No balancer that does not know the work of requests comes below in the long run."})
}

func split(name, expression string, s theory.Split, verdict string) report.Formula {
	return report.Formula{Name: name, Expression: expression, Values: figures(s.Rates), Utilisation: figures(s.Utilisation),
		Response: report.Number(s.Mean), Verdict: verdict}
}

func figures(values []float64) []report.Number {
	list := make([]report.Number, len(values))
	for i, v := range values {
		list[i] = report.Number(v)
	}
	return list
}
