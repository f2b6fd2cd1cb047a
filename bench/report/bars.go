// Plots of bars: mean response times, and shares.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// The rows of plots of bars.
const (
	barRow    = 30.0
	barTop    = 30.0
	barHeight = 18.0
)

// barPlot is a plot of horizontal bars as its template draws it.
type barPlot struct {
	Size           string
	Title, Caption string
	Width, Height  float64
	Left, Right    float64
	Top, Bottom    float64
	Names          []tick // At is Y
	Heads          []head // of the endpoints
	Ticks          []tick
	Bars           []bar
	Marks          []mark
}

// head is a heading within a plot.
type head struct {
	X, Y float64
	Text string
}

// bar is one figure.
type bar struct {
	X, Y, Width, Height float64
	Class, Text, Title  string
	TextX, TextY        float64
	Endless             bool // it goes on beyond the plot
}

// mark is a vertical line to compare bars with.
type mark struct {
	X, From, To float64
	Text, Title string
	TextY       float64
	Left        bool // the text stands left of it, since it would not fit between it and the edge
}

const (
	markGap     = 5.0 // between a line and its name
	letterWidth = 6.4 // the most that a letter of a name takes, in the mean over all of it
)

// markLines names the lines of theory above the plot, each in a row of its own: right of its line, or left of it near
// the edge. Rows are in an order that keeps names off other lines: first the names on the left, from right to left,
// then those on the right, from left to right. Where there is no room on either side the figure is left out.
func (p *barPlot) markLines(lines []Line, x scale) {
	for _, line := range lines {
		m := mark{X: x.at(float64(line.Response)), To: p.Bottom, Text: line.Name + " " + line.Response.Time(), Title: line.Source}
		if right, left := m.fits(p.Width); !right && !left {
			m.Text = line.Name
		}
		right, _ := m.fits(p.Width)
		m.Left = !right
		p.Marks = append(p.Marks, m)
	}
	slices.SortStableFunc(p.Marks, func(a, b mark) int {
		switch {
		case a.Left && b.Left:
			return cmp.Compare(b.X, a.X)
		case a.Left:
			return -1
		case b.Left:
			return 1
		}
		return cmp.Compare(a.X, b.X)
	})
	for i := range p.Marks {
		row := barTop + labelHeight*float64(i)
		p.Marks[i].From, p.Marks[i].TextY = row-3, row-4
	}
}

// fits says whether there is room for the text right of the line, and left of it.
func (m *mark) fits(width float64) (right, left bool) {
	needs := markGap + letterWidth*float64(utf8.RuneCountInString(m.Text))
	return m.X+needs <= width, m.X-needs >= 0
}

// meanPlot is the mean of each contender beside the lines of theory. Contenders that are there to be unstable do not set
// the scale: theirs is another order of magnitude, and depends on how long the run was.
func meanPlot(c *Case, class func(string) string, s size) *barPlot {
	high := 0.0
	for _, row := range c.Rows {
		if row.Mean.Exists() && !row.Unstable {
			high = max(high, float64(row.Mean))
		}
	}
	for _, row := range c.Rows {
		if high == 0 && row.Mean.Exists() {
			high = max(high, float64(row.Mean))
		}
	}
	if high == 0 {
		return nil
	}
	lines := c.within(high)
	top := barTop + labelHeight*float64(len(lines))
	p := &barPlot{Size: s.name, Title: "Mean response time", Width: s.width, Left: s.barLeft, Right: s.width - s.barRight, Top: top,
		Bottom:  top + barRow*float64(len(c.Rows)),
		Caption: "From the instant a request was meant to start to its last byte. Lines are what theory says of the same load."}
	p.Height = p.Bottom + 30
	x := scale{0, high * 1.04, p.Left, p.Right, straight}
	p.Ticks = s.apart(x.ticks(evenly(high, 6), shortTime))
	for i, row := range c.Rows {
		y := p.Top + barRow*float64(i)
		p.Names = append(p.Names, tick{y + barRow/2 + 4, row.Contender})
		b := bar{X: p.Left, Y: y + (barRow-barHeight)/2, Height: barHeight, Class: class(row.Contender), TextY: y + barRow/2 + 4,
			Text: row.Mean.Time(), Title: row.tooltip()}
		if row.Mean.Exists() {
			b.Width = math.Max(x.at(float64(row.Mean))-p.Left, 1)
			b.Endless = float64(row.Mean) > x.to
		}
		if row.Unstable {
			b.Text += ", growing"
		}
		if b.TextX = b.X + b.Width + 7; b.Endless {
			b.Width, b.TextX = p.Right-p.Left, p.Right-4
		}
		p.Bars = append(p.Bars, b)
	}
	p.markLines(lines, x)
	return p
}

// within are the lines of theory that a plot up to high has room for.
func (c *Case) within(high float64) (list []Line) {
	for _, line := range c.Theory {
		if line.Response.Exists() && float64(line.Response) <= high*1.04 {
			list = append(list, line)
		}
	}
	return list
}

func (row Row) tooltip() string {
	text := fmt.Sprintf("%s (%s)\nmean %s\np50 %s   p90 %s   p99 %s\np99 of long requests %s",
		row.Contender, row.Settings, row.Mean.Time(), row.P50.Time(), row.P90.Time(), row.P99.Time(), row.LongP99.Time())
	if row.Simulation != nil {
		text += fmt.Sprintf("\nsimulated on the same traces: mean %s, p50 %s", row.Simulation.Mean.Time(), row.Simulation.P50.Time())
	}
	return text
}

// mostColumns is how many endpoints have room beside each other.
const mostColumns = 8

// sharePlot is what each endpoint got of the requests beside its part of the capacity.
func sharePlot(r *Result, c *Case, class func(string) string, s size) *barPlot {
	n := len(r.Endpoints)
	if n < 2 || n > mostColumns {
		return nil
	}
	p := &barPlot{Size: s.name, Title: "Share of the requests against capacity", Width: s.width, Left: s.barLeft, Right: s.width - 20,
		Top: barTop + 12, Caption: "The marks are the endpoints' parts of the capacity, C_i / ΣC. A policy that has the least response time gives fast endpoints more than that."}
	var rows []Row
	most := 0.0
	for _, row := range c.Rows {
		if len(row.Shares) == n {
			rows = append(rows, row)
			for i, share := range row.Shares {
				most = max(most, share, r.Endpoints[i].Share)
			}
		}
	}
	column, block := (p.Right-p.Left)/float64(n), 0.0
	if !s.columns {
		column, block = 0, p.Top+barRow*float64(len(rows))+10
	}
	for i, e := range r.Endpoints {
		from := p.Left + column*float64(i)
		x := scale{0, most * 1.02, from, from + (p.Right-p.Left)/float64(n) - shareText, straight}
		if !s.columns {
			x.high = p.Right - shareText
		}
		if top := p.Top + block*float64(i); i == 0 || !s.columns {
			for k, row := range rows {
				p.Names = append(p.Names, tick{top + barRow*float64(k) + barRow/2 + 4, row.Contender})
			}
		}
		p.shares(rows, e, i, x, p.Top+block*float64(i), class)
	}
	p.Bottom = p.Top + block*float64(n-1) + barRow*float64(len(rows))
	p.Height = p.Bottom + 10
	return p
}

// shareText is the room for a share's figure behind its bar.
const shareText = 58

// shares are what one endpoint got from each contender.
func (p *barPlot) shares(rows []Row, e Endpoint, i int, x scale, top float64, class func(string) string) {
	p.Heads = append(p.Heads, head{x.low, top - barTop + 2, e.Name})
	p.Marks = append(p.Marks, mark{X: x.at(e.Share), From: top, To: top + barRow*float64(len(rows)), Text: percent(e.Share), TextY: top - 4,
		Title: fmt.Sprintf("%s has %s of the capacity", e.Name, percent(e.Share))})
	for k, row := range rows {
		y := top + barRow*float64(k)
		p.Bars = append(p.Bars, bar{X: x.low, Y: y + (barRow-barHeight)/2, Height: barHeight, Width: math.Max(x.at(row.Shares[i])-x.low, 1),
			Class: class(row.Contender), Text: percent(row.Shares[i]), TextX: math.Max(x.at(row.Shares[i]), x.at(e.Share)) + 5, TextY: y + barRow/2 + 4,
			Title: fmt.Sprintf("%s gave %s %s of the requests; its part of the capacity is %s", row.Contender, e.Name, percent(row.Shares[i]), percent(e.Share))})
	}
}
