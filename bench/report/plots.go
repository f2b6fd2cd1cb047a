// The plots of curves, and what each shows.

package report

import (
	"fmt"
	"math"
)

// sweepPlot is the mean response time over the load.
func sweepPlot(r *Result, c *Case, class func(string) string, s size) *linePlot {
	if len(c.Sweep) == 0 {
		return nil
	}
	low, high := reach(c.Sweep)
	high = min(high, low*60) // above that nothing is to be told apart that matters
	dotted := "The dotted line is one endpoint that has the capacity of all and shares it among its requests."
	if c.Work == "exponential" {
		dotted = "The dotted lines are bounds that nobody beats in the long run who does not know how long requests are."
	}
	x := scale{0, 1, s.lineLeft, s.insideRight(), straight}
	y := scale{low / 1.2, high * 1.1, s.insideBottom(), lineTop, math.Log10}
	curves := clip(c.Sweep, y.to)
	return drawLines(asked{
		size:    s,
		title:   "Mean response time against load",
		caption: "Simulated with the policies' own code, the same traces for all. " + dotted + " The vertical line is the load of this run.",
		xLabel:  "load T / ΣC", yLabel: "mean response time",
		curves: curves, class: class, x: x, y: y, dots: true,
		xTicks: x.ticks([]float64{0, 0.2, 0.4, 0.6, 0.8, 1}, short), yTicks: y.ticks(decades(y.from, y.to), shortTime),
		xName: func(v float64) string { return "load " + short(v) }, yName: func(v float64) string { return Number(v).Time() },
		mark: r.load(), markName: fmt.Sprintf("this run, %.2f", r.load()),
	})
}

// clip ends curves at the first figure above the plot.
func clip(curves []Curve, most float64) (list []Curve) {
	for _, c := range curves {
		for i, p := range c.Points {
			if !p.Y.Exists() || float64(p.Y) > most {
				c.Points = c.Points[:i]
				break
			}
		}
		list = append(list, c)
	}
	return list
}

func (r *Result) load() float64 {
	sum := 0.0
	for _, e := range r.Endpoints {
		sum += e.Capacity
	}
	return r.Rate / sum
}

// distributionPlot is the response time that a part of the requests stays below.
func distributionPlot(c *Case, class func(string) string, s size) *linePlot {
	var curves []Curve
	for _, row := range c.Rows {
		if len(row.Quantiles) > 0 {
			curves = append(curves, Curve{Name: row.Contender, Points: row.Quantiles})
		}
	}
	if curves == nil {
		return nil
	}
	_, high := reach(curves)
	x := scale{0, 0.9999, s.lineLeft, s.insideRight(), tail}
	last := 0.0
	for _, c := range curves {
		last = max(last, c.Points[len(c.Points)-1].X)
	}
	x.to = last
	y := scale{max(tenth(curves)/1.1, high/3e3), high * 1.1, s.insideBottom(), lineTop, math.Log10}
	name := func(q float64) string { return short(100*q) + " %" }
	return drawLines(asked{
		size:    s,
		title:   "Distribution of response times",
		caption: "So many of the requests were done within the time. Both axes are logarithmic: to the right, each step is ten times rarer.",
		xLabel:  "part of the requests", yLabel: "done within",
		curves: curves, class: class, x: x, y: y,
		xTicks: x.ticks([]float64{0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999}, name),
		yTicks: y.ticks(decades(y.from, y.to), shortTime),
		xName:  func(q float64) string { return fmt.Sprintf("%.4g %% of the requests within", 100*q) },
		yName:  func(v float64) string { return Number(v).Time() },
	})
}

// tenth is the least time that a tenth of a contender's requests are done within: what is shorter needs no room.
func tenth(curves []Curve) float64 {
	least := math.Inf(1)
	for _, c := range curves {
		for _, p := range c.Points {
			if p.X >= 0.1 {
				least = min(least, float64(p.Y))
				break
			}
		}
	}
	return least
}

// fleetPlots are the cost of a pick and the error of the shares over the size of the fleet.
func fleetPlots(r *Result, class func(string) string, s size) []*linePlot {
	if len(r.Fleets) == 0 {
		return nil
	}
	draw := func(title, caption, yLabel string, value func(Fleet) float64, name func(float64) string) *linePlot {
		var curves []Curve
		largest := 2
		for _, f := range r.Fleets {
			if len(curves) == 0 || curves[len(curves)-1].Name != f.Policy {
				curves = append(curves, Curve{Name: f.Policy})
			}
			c := &curves[len(curves)-1]
			c.Points = append(c.Points, Point{float64(f.Endpoints), Number(value(f))})
			largest = max(largest, f.Endpoints)
		}
		low, high := reach(curves)
		x := scale{1, float64(largest) * 1.2, s.lineLeft, s.insideRight(), math.Log10}
		y := scale{low / 1.3, high * 1.3, s.insideBottom(), lineTop, math.Log10}
		return drawLines(asked{size: s, title: title, caption: caption, xLabel: "endpoints", yLabel: yLabel,
			curves: curves, class: class, x: x, y: y, dots: true,
			xTicks: x.ticks(decades(1, float64(largest)*10), func(v float64) string { return count(int(v + 0.5)) }),
			yTicks: y.ticks(decades(y.from, y.to), name),
			xName:  func(v float64) string { return count(int(v)) + " endpoints" }, yName: name})
	}
	return []*linePlot{
		draw("Cost of a pick", "To place one request and end another, on one core.", "time per pick",
			func(f Fleet) float64 { return f.PickNanos * 1e-9 }, shortTime),
		draw("Error of the shares", "The part of the requests that went to other endpoints than shares by capacity would have it. Policies that look at what is in flight, or seek the least response time, do so on purpose.", "misplaced requests",
			func(f Fleet) float64 { return f.Misplaced }, percentShort),
	}
}

func percentShort(v float64) string { return short(math.Round(1e6*v)/1e4) + " %" }
