// Damped Holt-Winters with a season of a day.

package forecast

import "math"

// The weights, per step of five minutes or more: of the level, the slope, the season; and the damping of the slope.
const (
	weightLevel, weightSlope, weightSeason = 0.2, 0.01, 0.1
	damping                                = 0.98
)

// holtWinters goes by logarithms, of one more than the value, so that its season is a factor and zeros do no harm.
type holtWinters struct {
	calendar     calendar
	season       []float64 // by slot of the day
	level, slope float64
	first        []float64 // of the first day; nil when it is over
	seen         int
}

func newHoltWinters(c calendar) *holtWinters {
	w := &holtWinters{calendar: c, season: make([]float64, c.perDay), first: make([]float64, c.perDay)}
	for i := range w.first {
		w.first[i] = math.NaN()
	}
	return w
}

func (*holtWinters) name() string { return "Holt-Winters" }
func (*holtWinters) weekly() bool { return false }

func (w *holtWinters) shown(step int64, y float64) {
	slot := w.calendar.slot(step)
	if w.first != nil {
		if !math.IsNaN(y) {
			w.first[slot] = math.Log1p(y)
		}
		if w.seen++; w.seen >= len(w.season) {
			w.begin()
		}
		return
	}
	if math.IsNaN(y) { // it goes on as it expects to
		w.level += damping * w.slope
		w.slope *= damping
		return
	}
	x, before := math.Log1p(y), w.level
	w.level = weightLevel*(x-w.season[slot]) + (1-weightLevel)*(w.level+damping*w.slope)
	w.slope = weightSlope*(w.level-before) + (1-weightSlope)*damping*w.slope
	w.season[slot] = weightSeason*(x-w.level) + (1-weightSeason)*w.season[slot]
}

// begin takes level and season from the first day. Slots that were gaps begin at the level.
func (w *holtWinters) begin() {
	sum, n := 0.0, 0
	for _, x := range w.first {
		if !math.IsNaN(x) {
			sum, n = sum+x, n+1
		}
	}
	if n < len(w.first)/2 { // too little of a day: try the next one
		w.seen = 0
		return
	}
	w.level = sum / float64(n)
	for slot, x := range w.first {
		if !math.IsNaN(x) {
			w.season[slot] = x - w.level
		}
	}
	w.first = nil
}

func (w *holtWinters) ahead(now, step int64) float64 {
	if w.first != nil {
		return math.NaN()
	}
	h := float64(step - now)
	slope := w.slope * damping * (1 - math.Pow(damping, h)) / (1 - damping)
	return max(math.Expm1(w.level+slope+w.season[w.calendar.slot(step)]), 0)
}
