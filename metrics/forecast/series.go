// One quantity in equal steps, foretold.

package forecast

import (
	"math"
	"time"
)

const (
	// measuredDays is by how many days the error and the coverage of what was foretold are told.
	measuredDays = 7
	// missed is the part of the values that may be outside of the band, half of it on each side.
	missed = 0.1
	// learns is how fast a side of the band follows what falls outside of it, per day; it goes from leastTail to mostTail.
	// Below 0 the band reaches beyond all that was seen, by so much more.
	learns              = 0.3
	leastTail, mostTail = -0.3, 0.15
	// mostOver is how many times the largest value that was ever seen may be foretold.
	mostOver = 3
)

// rememberedDays is of how many days residuals are kept, by horizon. Those of a day ahead are alike for hours, so that a
// week of them is little more than seven.
var rememberedDays = [horizons]int{Lead: 7, Hour: 7, Day: 7}

// Series is one quantity: a value for each step, none of them negative. It is for one goroutine.
type Series struct {
	options  Options
	calendar calendar
	ring     *ring
	models   [models]model
	ahead    [horizons]*horizon
	largest  *largest
	today    int64
}

// NewSeries is a series without values.
func NewSeries(o Options) *Series {
	o = o.withDefaults()
	c := calendar{o.Step, o.Location, o.perDay()}
	s := &Series{options: o, calendar: c, ring: newRing(int(kept / o.Step)), largest: newLargest()}
	s.models = newModels(s.ring, c)
	for i, steps := range o.steps() {
		s.ahead[i] = newHorizon(steps, rememberedDays[i]*c.perDay, int(shownPast/o.Step))
	}
	return s
}

// Step is how long a step is.
func (s *Series) Step() time.Duration { return s.options.Step }

// Add appends the value of the step that a time is in; NaN says that it is not known, and so does a step that is left
// out. It is refused where it is negative or infinite, or the step has passed: clocks may go back.
func (s *Series) Add(at time.Time, y float64) bool {
	step := s.calendar.number(at)
	if y < 0 || math.IsInf(y, 0) || s.ring.next != 0 && step < s.ring.next {
		return false
	}
	if gap := step - s.ring.next; s.ring.next != 0 && gap > 0 {
		if gap > int64(len(s.ring.values)) { // nothing of before is left to go by
			*s = *NewSeries(s.options)
		}
		for missing := s.ring.next; s.ring.next != 0 && missing < step; missing++ {
			s.push(missing, math.NaN())
		}
	}
	s.push(step, y)
	return true
}

// Correct adds to the value of a step that is known already: requests of it have ended only now.
func (s *Series) Correct(at time.Time, more float64) {
	if more > 0 && !math.IsInf(more, 0) {
		s.ring.add(s.calendar.number(at), more)
	}
}

func (s *Series) push(step int64, y float64) {
	s.ring.push(step, y)
	s.score(step, y)
	s.largest.add(step/int64(s.calendar.perDay), y)
	for _, m := range s.models {
		m.shown(step, y)
	}
	if day := step / int64(s.calendar.perDay); day != s.today {
		s.today = day
		for _, h := range s.ahead {
			h.scores.choose(s.allowed)
			h.scores.turn()
			h.turn()
		}
	}
	for _, h := range s.ahead {
		h.issue(step, s.foretell(h, step, step+int64(h.steps)))
	}
}

// allowed says which models have history enough.
func (s *Series) allowed(m int) bool {
	length := time.Duration(s.ring.length()) * s.options.Step
	if s.models[m].weekly() {
		return length >= weeksKnown
	}
	return m == isLast || length >= known
}

// Known says whether there is enough history for more than the last value.
func (s *Series) Known() bool { return s.allowed(isYesterday) }

// score holds what was foretold for a step against what came.
func (s *Series) score(step int64, y float64) {
	if math.IsNaN(y) {
		return
	}
	for _, h := range s.ahead {
		was := h.issued(step)
		if was == nil {
			continue
		}
		for m, foretold := range was.models {
			if math.IsNaN(foretold) {
				continue
			}
			r := h.residuals[m]
			h.scores.add(m, pinball(0.5, shift(foretold, r.quantile(0.5)), y)+pinball(scoredHigh, shift(foretold, r.quantile(scoredHigh)), y))
			r.add(foretold, y)
		}
		h.measure(was, y, learns/float64(s.calendar.perDay))
	}
}

// foretell is what all models say of a step, and the band by the one in use.
func (s *Series) foretell(h *horizon, now, step int64) (f issue) {
	for m := range s.models {
		f.models[m] = s.models[m].ahead(now, step)
	}
	f.Range = s.band(h, h.scores.used, f.models[h.scores.used])
	return f
}

// Range is a forecast: the middle, and the values that one in twenty is below or above.
type Range struct{ P05, P50, P95 float64 }

// band is the range around what a model says.
func (s *Series) band(h *horizon, m int, foretold float64) Range {
	if math.IsNaN(foretold) {
		foretold = s.models[isLast].ahead(s.ring.next-1, s.ring.next)
		m = isLast
	}
	if math.IsNaN(foretold) {
		return Range{math.NaN(), math.NaN(), math.NaN()}
	}
	r := h.residuals[m]
	most := mostOver * s.largest.is()
	if !r.enough() {
		return Range{min(foretold/2, most), min(foretold, most), min(foretold*2, most)}
	}
	at := func(level float64) float64 { return min(shift(foretold, r.quantile(level)), most) }
	return Range{at(h.low), at(0.5), at(1 - h.high)}
}

// horizon is what is known of forecasts so far ahead.
type horizon struct {
	steps     int
	residuals [models]*residuals
	scores    scores
	waiting   []issue // by step: what was foretold for it
	low, high float64 // levels of the band's tails, which follow what falls outside
	days      [measuredDays]measured
}

// issue is a forecast that waits for its step to come.
type issue struct {
	step   int64
	models [models]float64
	Range
}

// measured is how the forecasts of one day did.
type measured struct {
	n, inside        float64
	off              float64 // of the middle, sum of absolute values
	yesterday, byDay float64 // of the same time yesterday, likewise, and how many
	week, byWeek     float64
}

func newHorizon(steps, remembered, past int) *horizon {
	h := &horizon{steps: steps, waiting: make([]issue, steps+1+past), low: missed / 2, high: missed / 2}
	for m := range h.residuals {
		h.residuals[m] = newResiduals(remembered)
	}
	return h
}

// issue keeps a forecast made at a step.
func (h *horizon) issue(now int64, f issue) {
	f.step = now + int64(h.steps)
	h.waiting[h.place(f.step)] = f
}

// issued is what was foretold for a step; nil: nothing.
func (h *horizon) issued(step int64) *issue {
	if f := &h.waiting[h.place(step)]; f.step == step && step != 0 {
		return f
	}
	return nil
}

func (h *horizon) place(step int64) int {
	n := int64(len(h.waiting))
	return int(((step % n) + n) % n)
}

// measure notes how a forecast did, and moves the tails of the band.
func (h *horizon) measure(was *issue, y, learns float64) {
	if math.IsNaN(was.P50) {
		return
	}
	today := &h.days[measuredDays-1]
	today.n++
	today.off += math.Abs(y - was.P50)
	if y >= was.P05 && y <= was.P95 {
		today.inside++
	}
	if before := was.models[isYesterday]; !math.IsNaN(before) {
		today.yesterday, today.byDay = today.yesterday+math.Abs(y-before), today.byDay+1
	}
	if before := was.models[isLastWeek]; !math.IsNaN(before) {
		today.week, today.byWeek = today.week+math.Abs(y-before), today.byWeek+1
	}
	h.low = follow(h.low, y < was.P05, learns)
	h.high = follow(h.high, y > was.P95, learns)
}

// follow makes a tail of the band thinner when a value fell outside, and a little fatter when none did.
func follow(tail float64, outside bool, learns float64) float64 {
	fell := 0.0
	if outside {
		fell = 1
	}
	return min(max(tail+learns*(missed/2-fell), leastTail), mostTail)
}

func (h *horizon) turn() {
	copy(h.days[:], h.days[1:])
	h.days[measuredDays-1] = measured{}
}

// quality is the mean error over that of the better season of a week, and the part of the values that were inside of
// the band; NaN where nothing is known.
func (h *horizon) quality() (mase, coverage float64) {
	var all measured
	for _, d := range h.days {
		all.n, all.inside, all.off = all.n+d.n, all.inside+d.inside, all.off+d.off
		all.yesterday, all.byDay = all.yesterday+d.yesterday, all.byDay+d.byDay
		all.week, all.byWeek = all.week+d.week, all.byWeek+d.byWeek
	}
	plain := all.yesterday / all.byDay
	if all.byWeek >= all.n/2 && all.byWeek > 0 && all.week/all.byWeek < plain {
		plain = all.week / all.byWeek
	}
	if all.n == 0 {
		return math.NaN(), math.NaN()
	}
	return all.off / all.n / plain, all.inside / all.n
}

// largest is the largest value of each of the last days.
type largest struct {
	days []float64
	last int64
}

func newLargest() *largest { return &largest{days: make([]float64, int(kept/(24*time.Hour))+1)} }

func (l *largest) add(day int64, y float64) {
	n := int64(len(l.days))
	for d := max(l.last+1, day-n+1); d <= day; d++ {
		l.days[d%n] = 0
	}
	l.last = max(l.last, day)
	if y > l.days[day%n] {
		l.days[day%n] = y
	}
}

func (l *largest) is() (most float64) {
	for _, y := range l.days {
		most = max(most, y)
	}
	return most
}
