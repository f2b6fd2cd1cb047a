// The layout of plots on a wide and on a narrow screen.

package report

// size is the layout of a plot, in units of its drawing. Each plot is drawn in both sizes, and the style sheet shows one of
// them: on a phone a large one would be cut, or too small to read.
type size struct {
	name                string // the drawing's class
	width, height       float64
	lineLeft, lineRight float64 // room beside a plot of lines
	named               bool    // there is room for the names of lines beside them; else the legend has them
	gap                 float64 // the least between two names on an axis
	barLeft, barRight   float64 // room beside bars: for names, and for figures
	columns             bool    // endpoints stand beside each other, else below each other
}

var (
	wide   = size{"wide", 860, 400, 64, 210, true, 0, 220, 90, true}
	narrow = size{"narrow", 430, 340, 62, 28, false, 46, 190, 100, false}
)

// both draws a plot in both sizes; nil if there is nothing to draw.
func both[Plot any](draw func(size) *Plot) []*Plot {
	large := draw(wide)
	if large == nil {
		return nil
	}
	return []*Plot{large, draw(narrow)}
}

// insideRight and insideBottom are where the inside of a plot of lines ends.
func (s size) insideRight() float64  { return s.width - s.lineRight }
func (s size) insideBottom() float64 { return s.height - lineBottom }

// apart leaves out the names that would run into the one before.
func (s size) apart(ticks []tick) (list []tick) {
	for _, t := range ticks {
		if len(list) == 0 || t.At-list[len(list)-1].At >= s.gap {
			list = append(list, t)
		}
	}
	return list
}
