// What a series says of the time to come.

package forecast

import (
	"math"
	"time"
)

// The points of an outlook: each step of the last and the next hour, then one each half hour.
const (
	shownPast, shownNear, shownFar = time.Hour, time.Hour, 24 * time.Hour
	farEvery                       = 30 * time.Minute
)

// Outlook is what a series says.
type Outlook struct {
	Known   bool          // there is history enough; else it is the last value
	Step    time.Duration // of a value
	Method  string        // the model in use, for the lead time
	Methods [3]string     // by horizon: lead time, hour, day
	// Mase is the mean error over that of the same time yesterday or last week, whichever is less; Coverage the part of
	// the values that were inside of the band: both of the lead time, over the last week. NaN: not known yet.
	Mase, Coverage float64
	Points         []Point // the first ones are of the past, as they were foretold
	Peaks          []string
}

// Point is a forecast for a time.
type Point struct {
	At time.Time
	Range
}

// Ahead is the range at one of the horizons Lead, Hour and Day, from the newest step on. NaN: nothing is known.
func (s *Series) Ahead(horizon int) Range {
	h := s.ahead[horizon]
	if was := h.issued(s.ring.next - 1 + int64(h.steps)); was != nil {
		return was.Range
	}
	return Range{math.NaN(), math.NaN(), math.NaN()}
}

// Quality is the mean error over that of the better season, and the coverage of the band, at a horizon, over a week.
func (s *Series) Quality(horizon int) (mase, coverage float64) { return s.ahead[horizon].quality() }

// Method is the model in use at a horizon.
func (s *Series) Method(horizon int) string { return s.models[s.ahead[horizon].scores.used].name() }

// Look is the outlook now.
func (s *Series) Look() Outlook {
	o := Outlook{Known: s.Known(), Step: s.options.Step, Peaks: s.words()}
	for i := range o.Methods {
		o.Methods[i] = s.Method(i)
	}
	o.Method = o.Methods[Lead]
	o.Mase, o.Coverage = s.Quality(Lead)
	if s.ring.next == 0 {
		return o
	}
	o.Points = s.points()
	return o
}

func (s *Series) points() (list []Point) {
	now := s.ring.next - 1
	for i := int(shownFar / s.options.Step); i > 0; i-- {
		steps := shownFar/s.options.Step - time.Duration(i) + 1
		ahead := steps * s.options.Step
		if ahead > shownNear && ahead%farEvery != 0 {
			continue
		}
		step := now + int64(steps)
		h := s.nearest(int(steps))
		m := h.scores.used
		r := s.band(h, m, s.models[m].ahead(now, step))
		if !math.IsNaN(r.P50) {
			list = append(list, Point{s.calendar.starts(step), r})
		}
	}
	return append(s.past(), list...)
}

// nearest is the horizon whose errors speak for so many steps ahead: the shortest that is not shorter.
func (s *Series) nearest(steps int) *horizon {
	best := s.ahead[Day]
	for _, h := range s.ahead {
		if h.steps >= steps && h.steps < best.steps {
			best = h
		}
	}
	return best
}

// past is what was foretold for the last hour, an hour before each step.
func (s *Series) past() (list []Point) {
	h := s.ahead[Hour]
	for step := s.ring.next - int64(shownPast/s.options.Step); step < s.ring.next; step++ {
		if was := h.issued(step); was != nil && !math.IsNaN(was.P50) {
			list = append(list, Point{s.calendar.starts(step), was.Range})
		}
	}
	return list
}

// Value is what a step was; NaN: not known.
func (s *Series) Value(at time.Time) float64 { return s.ring.at(s.calendar.number(at)) }
