// The models that foretell a series: the last value, an earlier season, and profiles.

package forecast

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

// model foretells from what is in the ring, and from what it was shown.
type model interface {
	name() string
	// shown is called for each step once, in order; y is NaN for a gap.
	shown(step int64, y float64)
	// ahead is the forecast for a step that has not come; NaN: it has none. now is the newest step.
	ahead(now, step int64) float64
	weekly() bool
}

// The models by their places in a series. The first three are what others are measured against.
const (
	isLast = iota
	isYesterday
	isLastWeek
	isDayProfile
	isWeekProfile
	isHoltWinters
	models
)

func newModels(r *ring, c calendar) [models]model {
	days, weeks := []int{1, 2, 3, 4, 5, 6, 7}, []int{7, 14, 21, 28}
	return [models]model{
		isLast:        &last{r},
		isYesterday:   &season{r, c, 1},
		isLastWeek:    &season{r, c, 7},
		isDayProfile:  newProfile("profile of the day", r, c, days, false),
		isWeekProfile: newProfile("profile of the week", r, c, weeks, true),
		isHoltWinters: newHoltWinters(c),
	}
}

// last is the newest value that is no gap.
type last struct{ ring *ring }

func (*last) name() string         { return "last value" }
func (*last) weekly() bool         { return false }
func (*last) shown(int64, float64) {}
func (l *last) ahead(now, _ int64) float64 {
	for step := now; step > now-l.ring.length(); step-- {
		if y := l.ring.at(step); !math.IsNaN(y) {
			return y
		}
	}
	return math.NaN()
}

// season is the value of the same local time some days ago. A gap is filled from one season earlier.
type season struct {
	ring     *ring
	calendar calendar
	days     int
}

func (s *season) name() string {
	if s.days == 7 {
		return "same time last week"
	}
	return "same time yesterday"
}
func (s *season) weekly() bool         { return s.days == 7 }
func (s *season) shown(int64, float64) {}
func (s *season) ahead(now, step int64) float64 {
	const most = 3 // seasons to go back
	for n := 1; n <= most; n++ {
		at := s.calendar.back(step, n*s.days)
		if at > now {
			continue
		}
		if y := s.ring.at(at); !math.IsNaN(y) {
			return y
		}
	}
	return math.NaN()
}

const (
	// around is how far from its own time of day a slot of a profile takes values: a few minutes of noise are no season.
	around = 10 * time.Minute
	// levelOver is the time by which the present is held against the profile, levelLeast and levelMost are the
	// bounds of what comes out, and levelFades is what is left of it, per five minutes.
	levelOver             = time.Hour
	levelLeast, levelMost = 0.5, 2.0
	levelFades            = 0.97
)

// profile is what the same times of day were in the middle, times how the last hour was beside its own profile.
type profile struct {
	called   string
	ring     *ring
	calendar calendar
	lags     []int // days
	byWeek   bool
	near     int // steps
	fades    float64
	level    float64
	hour     []pair    // of the last hour, by step
	values   []float64 // for reuse
}

// pair is what a step was, and what the profile said of it.
type pair struct{ was, usual float64 }

func newProfile(name string, r *ring, c calendar, lags []int, weekly bool) *profile {
	p := &profile{called: name, ring: r, calendar: c, lags: lags, byWeek: weekly, near: int(around / c.step), level: 1}
	p.fades = math.Pow(levelFades, float64(c.step)/float64(defaultStep))
	return p
}

func (p *profile) name() string { return p.called }
func (p *profile) weekly() bool { return p.byWeek }

// shown holds the last hour against its profile.
func (p *profile) shown(step int64, y float64) {
	if p.hour == nil {
		p.hour = make([]pair, max(levelOver/p.calendar.step, 1))
	}
	n := int64(len(p.hour))
	p.hour[((step%n)+n)%n] = pair{y, p.usual(step-1, step)}
	is, was := 0.0, 0.0
	for _, h := range p.hour {
		if !math.IsNaN(h.was) && !math.IsNaN(h.usual) {
			is, was = is+h.was, was+h.usual
		}
	}
	p.level = 1
	if was > 0 {
		p.level = min(max(is/was, levelLeast), levelMost)
	}
}

// usual is the middle of what a time of day was, of values up to a step.
func (p *profile) usual(until, step int64) float64 {
	p.values = p.values[:0]
	for _, days := range p.lags {
		middle := p.calendar.back(step, days)
		for at := middle - int64(p.near); at <= middle+int64(p.near); at++ {
			if y := p.ring.at(at); at <= until && !math.IsNaN(y) {
				p.values = append(p.values, y)
			}
		}
	}
	if len(p.values) == 0 {
		return math.NaN()
	}
	return stats.Median(p.values)
}

func (p *profile) ahead(now, step int64) float64 {
	usual := p.usual(now, step)
	return usual * (1 + (p.level-1)*math.Pow(p.fades, float64(step-now)))
}
