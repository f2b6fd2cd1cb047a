// Small plots of the requests in the system over time.

package report

import (
	"fmt"
	"math"
	"strings"
)

// The size of a small panel.
const (
	panelWidth, panelHeight = 280.0, 130.0
	panelLeft, panelBottom  = 36.0, 22.0
	panelTop                = 8.0
)

// panel is one contender's requests in the system over time.
type panel struct {
	Name, Class, Note string
	Width, Height     float64
	Left, Right       float64
	Top, Bottom       float64
	Area, Path        string
	XTicks, YTicks    []tick
	Bands             []band
}

// panels share their axes, but for those of contenders that are there to be unstable.
func panels(c *Case, class func(string) string) (list []panel) {
	high, end := 0.0, 0.0
	for _, row := range c.Rows {
		for _, p := range row.Queue {
			if !row.Unstable {
				high, end = max(high, float64(p.Y)), max(end, p.X)
			}
		}
	}
	for _, row := range c.Rows {
		if len(row.Queue) == 0 {
			continue
		}
		most := 0.0
		for _, p := range row.Queue {
			most = max(most, float64(p.Y))
		}
		top, last, note := high, end, fmt.Sprintf("at most %.0f", most)
		if row.Unstable {
			top, last, note = most, row.Queue[len(row.Queue)-1].X, fmt.Sprintf("up to %.0f, on its own scale", most)
		}
		list = append(list, drawPanel(row, class(row.Contender), note, last, max(top, 1)))
	}
	return list
}

func drawPanel(row Row, class, note string, end, top float64) panel {
	p := panel{Name: row.Contender, Class: class, Note: note, Width: panelWidth, Height: panelHeight,
		Left: panelLeft, Right: panelWidth - 8, Top: panelTop, Bottom: panelHeight - panelBottom}
	x := scale{0, end, p.Left, p.Right, straight}
	y := scale{0, top * 1.05, p.Bottom, p.Top, straight}
	p.XTicks = x.ticks(evenly(end, 3), func(v float64) string { return short(v) + " s" })
	p.YTicks = y.ticks(evenly(top, 3), short)
	var path strings.Builder
	last := p.Left
	for i, point := range row.Queue {
		command := "L"
		if i == 0 {
			command = "M"
		}
		at := x.at(point.X)
		fmt.Fprintf(&path, "%s%g %g", command, at, y.at(float64(point.Y)))
		p.Bands = append(p.Bands, band{X: last, Width: math.Round(10*(at-last)) / 10, Middle: at,
			Title: fmt.Sprintf("%s\nup to %.1f s: %.0f in the system", row.Contender, point.X, float64(point.Y))})
		last = at
	}
	p.Path = path.String()
	p.Area = fmt.Sprintf("%sL%g %gL%g %gZ", p.Path, last, p.Bottom, x.at(row.Queue[0].X), p.Bottom)
	return p
}

// Anchor is how the name of a tick stands to it: one at the right edge ends there, or it would be cut off.
func (p panel) Anchor(at float64) string {
	const half = 16 // of the widest name
	if at+half > p.Width {
		return "end"
	}
	return "middle"
}

// Inside is the height of the inside.
func (p panel) Inside() float64 { return p.Bottom - p.Top }
