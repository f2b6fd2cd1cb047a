// The plot of a trial: the share of the faulty server over time.

package report

// trialPart is one trial with its plot.
type trialPart struct {
	Trial
	Legend []key
	Shares []*linePlot // in both sizes
}

func newTrialPart(t *Trial) trialPart {
	p := trialPart{Trial: *t}
	var c Case // whose rows give each contender its colour
	for _, r := range t.Rows {
		if len(r.Share) > 0 {
			c.Rows = append(c.Rows, Row{Contender: r.Contender, Kind: r.Kind})
		}
	}
	if len(c.Rows) == 0 {
		return p
	}
	class := classes(&c)
	for _, row := range c.Rows {
		p.Legend = append(p.Legend, key{Name: row.Contender, Class: class(row.Contender), Peer: row.Kind == Peer})
	}
	p.Shares = both(func(s size) *linePlot { return sharePlotOverTime(t, class, s) })
	return p
}

// sharePlotOverTime is the part of the attempts that went to the faulty server.
func sharePlotOverTime(t *Trial, class func(string) string, s size) *linePlot {
	var curves []Curve
	from, to, high := 0.0, 0.0, 0.2
	for _, r := range t.Rows {
		if len(r.Share) == 0 {
			continue
		}
		curves = append(curves, Curve{Name: r.Contender, Points: r.Share})
		for _, p := range r.Share {
			from, to, high = min(from, p.X), max(to, p.X), max(high, float64(p.Y))
		}
	}
	x := scale{from, to, s.lineLeft, s.insideRight(), straight}
	y := scale{0, high * 1.05, s.insideBottom(), lineTop, straight}
	return drawLines(asked{
		size:    s,
		title:   "Share of the faulty server",
		caption: "Of the requests that reached a server, those that reached this one. The fault begins at 0 s.",
		xLabel:  "seconds from the begin of the fault", yLabel: "share",
		curves: curves, class: class, x: x, y: y,
		xTicks: x.ticks(evenly(to, 4), short), yTicks: y.ticks(evenly(high, 4), percentShort),
		xName: func(v float64) string { return short(v) + " s" }, yName: percentShort,
		mark: 0, markName: "fault",
	})
}
