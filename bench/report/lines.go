// Drawing a plot of curves.

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The room above and below the inside of a plot of lines.
const (
	lineTop, lineBottom = 14.0, 46.0
	labelHeight         = 15.0 // of a line of text
)

// linePlot is a plot of curves as its template draws it, in pixels.
type linePlot struct {
	Size           string
	Named          bool // its lines have their names beside them
	Title, Caption string
	XLabel, YLabel string
	Width, Height  float64
	Left, Right    float64 // of the inside
	Top, Bottom    float64
	XTicks, YTicks []tick
	Lines          []drawnLine
	Bands          []band
	Mark           *tick // a value of X to look at
}

// drawnLine is one curve.
type drawnLine struct {
	Name, Class, Path string
	EndX, EndY        float64
	LabelX, LabelY    float64 // EndY, moved so that names do not cover each other
	Dots              []dot
}

type dot struct{ X, Y float64 }

// band is a strip of the plot that tells, in a tooltip, the values of all curves there.
type band struct {
	X, Width, Middle float64
	Title            string
}

// asked is what a plot of lines is drawn from.
type asked struct {
	size                           size
	title, caption, xLabel, yLabel string
	curves                         []Curve
	class                          func(name string) string
	x, y                           scale
	xTicks, yTicks                 []tick
	xName, yName                   func(float64) string
	dots                           bool // at each point
	mark                           float64
	markName                       string
}

func drawLines(a asked) *linePlot {
	p := &linePlot{
		Size: a.size.name, Named: a.size.named, Title: a.title, Caption: a.caption, XLabel: a.xLabel, YLabel: a.yLabel,
		Width: a.size.width, Height: a.size.height, Left: a.size.lineLeft, Right: a.size.insideRight(), Top: lineTop, Bottom: a.size.insideBottom(),
		XTicks: a.size.apart(a.xTicks), YTicks: a.yTicks,
	}
	for _, c := range a.curves {
		if line, ok := drawLine(a, c); ok {
			p.Lines = append(p.Lines, line)
		}
	}
	p.label()
	p.Bands = bands(a)
	if a.markName != "" {
		p.Mark = &tick{a.x.at(a.mark), a.markName}
	}
	return p
}

// drawLine ends a curve where it leaves the plot or has no figure.
func drawLine(a asked, c Curve) (drawnLine, bool) {
	line := drawnLine{Name: c.Name, Class: a.class(c.Name)}
	if c.Theory {
		line.Class = "theory"
	}
	var path strings.Builder
	for _, point := range c.Points {
		if !point.Y.Exists() {
			break
		}
		command := "L"
		if path.Len() == 0 {
			command = "M"
		}
		line.EndX, line.EndY = a.x.at(point.X), a.y.at(float64(point.Y))
		fmt.Fprintf(&path, "%s%g %g", command, line.EndX, line.EndY)
		if a.dots && !c.Theory {
			line.Dots = append(line.Dots, dot{line.EndX, line.EndY})
		}
		if float64(point.Y) > a.y.to {
			break
		}
	}
	line.Path, line.LabelY = path.String(), line.EndY
	return line, path.Len() > 0
}

// label puts names to the right of the plot. A line that ends long before has its name at its end.
func (p *linePlot) label() {
	var early, late []*drawnLine
	for i := range p.Lines {
		line := &p.Lines[i]
		if line.LabelX = p.Right + 22; line.EndX < p.Right-120 {
			line.LabelX = line.EndX + 12
			early = append(early, line)
			continue
		}
		late = append(late, line)
	}
	spread(early, p.Top, p.Bottom)
	spread(late, p.Top, p.Bottom)
}

// spread moves the names of lines apart, as little as that takes, and keeps them inside.
func spread(lines []*drawnLine, top, bottom float64) {
	order := make([]int, len(lines))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(lines[i].EndY, lines[j].EndY) })
	floor := top + 4
	for _, i := range order {
		lines[i].LabelY = max(lines[i].EndY, floor)
		floor = lines[i].LabelY + labelHeight
	}
	ceiling := bottom
	for _, i := range slices.Backward(order) {
		lines[i].LabelY = min(lines[i].LabelY, ceiling)
		ceiling = lines[i].LabelY - labelHeight
	}
}

// bands are strips around the points of the longest curve, around some of them where there are more
// than 120.
func bands(a asked) []band {
	longest := []Point(nil)
	for _, c := range a.curves {
		if len(c.Points) > len(longest) && !c.Theory {
			longest = c.Points
		}
	}
	step := len(longest)/120 + 1
	var list []band
	for i := 0; i < len(longest); i += step {
		x := longest[i].X
		title := []string{a.xName(x)}
		for _, c := range a.curves {
			if at := slices.IndexFunc(c.Points, func(p Point) bool { return p.X == x }); at >= 0 && c.Points[at].Y.Exists() {
				title = append(title, c.Name+": "+a.yName(float64(c.Points[at].Y)))
			}
		}
		list = append(list, band{Middle: a.x.at(x), Title: strings.Join(title, "\n")})
	}
	for i := range list { // from halfway to the one before to halfway to the next
		left, right := a.size.lineLeft, a.size.insideRight()
		if i > 0 {
			left = (list[i-1].Middle + list[i].Middle) / 2
		}
		if i < len(list)-1 {
			right = (list[i].Middle + list[i+1].Middle) / 2
		}
		list[i].X, list[i].Width = math.Round(10*left)/10, math.Round(10*(right-left))/10
	}
	return list
}

// reach is the least and the largest figure of curves that are contenders'.
func reach(curves []Curve) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, p := range c.Points {
			if p.Y.Exists() && p.Y > 0 {
				low, high = min(low, float64(p.Y)), max(high, float64(p.Y))
			}
		}
	}
	return low, high
}

// Inside is the height of the inside.
func (p *linePlot) Inside() float64 { return p.Bottom - p.Top }
