// The offers of inference work as the page shows them.

package report

import (
	"fmt"
	"math"
	"slices"
)

// offerPart is one trace on one fleet, at all its loads.
type offerPart struct {
	Name   string
	Facts  string
	Legend []key
	Plots  [][]*linePlot // each in both sizes
	Shares []*barPlot
	Loads  []*Offer
}

// mostCurves is how many contenders have a curve: more cannot be told apart.
const mostCurves = 8

// newOfferParts groups offers by trace and fleet.
func newOfferParts(r *Result) (parts []offerPart) {
	var names []string
	for i := range r.Offers {
		o := &r.Offers[i]
		at := slices.Index(names, o.Name())
		if at < 0 {
			at = len(names)
			names = append(names, o.Name())
			parts = append(parts, offerPart{Name: o.Name()})
		}
		parts[at].Loads = append(parts[at].Loads, o)
	}
	for i := range parts {
		parts[i].draw(r)
	}
	return parts
}

func (p *offerPart) draw(r *Result) {
	usual := p.Loads[len(p.Loads)/2]
	p.Facts = fmt.Sprintf("%s requests for each seed and load, on %s", count(usual.Requests), capacities(&Result{Endpoints: usual.Endpoints}))
	var c Case // whose rows give each contender its colour
	for _, s := range usual.Rows {
		if slices.Contains(r.Shown, s.Contender) && len(c.Rows) < mostCurves {
			row := Row{Contender: s.Contender, Kind: Peer, Shares: s.Shares}
			if s.Ours {
				row.Kind = Ours
			}
			c.Rows = append(c.Rows, row)
		}
	}
	class := classes(&c)
	for _, row := range c.Rows {
		p.Legend = append(p.Legend, key{Name: row.Contender, Class: class(row.Contender), Peer: row.Kind == Peer})
	}
	for _, plot := range []struct {
		title, caption string
		of             func(*Served) Number
	}{
		{"Mean R over load", "From arrival to the last token.", func(s *Served) Number { return s.R }},
		{"Mean time to first token over load", "From arrival to the first token.", func(s *Served) Number { return s.TTFT }},
	} {
		if len(p.Loads) > 1 {
			p.Plots = append(p.Plots, both(func(s size) *linePlot {
				return overLoadPlot(p, &c, class, plot.title, plot.caption, plot.of, s)
			}))
		}
	}
	if plot := both(func(s size) *linePlot { return stalledPlot(usual, &c, class, s) }); plot != nil {
		p.Plots = append(p.Plots, plot)
	}
	p.Shares = both(func(s size) *barPlot { return sharePlot(&Result{Endpoints: usual.Endpoints}, &c, class, s) })
}

// overLoadPlot is a time over the load.
func overLoadPlot(p *offerPart, c *Case, class func(string) string, title, caption string, of func(*Served) Number, s size) *linePlot {
	var curves []Curve
	var ticks []float64
	for _, o := range p.Loads {
		ticks = append(ticks, o.Load)
	}
	for _, row := range c.Rows {
		curve := Curve{Name: row.Contender}
		for _, o := range p.Loads {
			if served := o.Row(row.Contender); served != nil {
				curve.Points = append(curve.Points, Point{o.Load, of(served)})
			}
		}
		curves = append(curves, curve)
	}
	low, high := reach(curves)
	if !(low > 0) || low > high {
		return nil
	}
	high = min(high, low*100)
	x := scale{ticks[0], ticks[len(ticks)-1], s.lineLeft, s.insideRight(), straight}
	y := scale{low / 1.2, high * 1.1, s.insideBottom(), lineTop, math.Log10}
	return drawLines(asked{
		size: s, title: title, caption: caption + " Load 1 is what the engines finish when none is ever idle.",
		xLabel: "load", yLabel: "seconds", curves: curves, class: class, x: x, y: y, dots: true,
		xTicks: x.ticks(ticks, short), yTicks: y.ticks(decades(y.from, y.to), shortTime),
		xName: func(v float64) string { return "load " + short(v) }, yName: func(v float64) string { return Number(v).Time() },
	})
}

// stalledPlot is how many answers stand still, over time.
func stalledPlot(o *Offer, c *Case, class func(string) string, s size) *linePlot {
	var curves []Curve
	end, high := 0.0, 1.0
	for _, row := range c.Rows {
		served := o.Row(row.Contender)
		if len(served.Stalled) == 0 {
			continue
		}
		curves = append(curves, Curve{Name: row.Contender, Points: served.Stalled})
		for _, p := range served.Stalled {
			end, high = max(end, p.X), max(high, float64(p.Y))
		}
	}
	if curves == nil {
		return nil
	}
	x := scale{0, end, s.lineLeft, s.insideRight(), straight}
	y := scale{0, high * 1.05, s.insideBottom(), lineTop, straight}
	return drawLines(asked{
		size:    s,
		title:   "Answers that stand still, over time",
		caption: fmt.Sprintf("While an engine reads a prompt, the answers that it writes wait. How many do so at the same time, in the mean, at load %g, over the first trace.", o.Load),
		xLabel:  "seconds", yLabel: "answers", curves: curves, class: class, x: x, y: y,
		xTicks: x.ticks(evenly(end, 4), short), yTicks: y.ticks(evenly(high, 4), short),
		xName: func(v float64) string { return short(v) + " s" }, yName: short,
	})
}
