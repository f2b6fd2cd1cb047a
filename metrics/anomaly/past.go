// A figure held against its own past: a profile, and a CUSUM of what the profile does not explain.

package anomaly

import (
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

const (
	hoursOfWeek = 7 * 24
	// cusumSlack and cusumLimit are in standard deviations. With residuals corrected for their correlation that is a
	// false alarm in weeks, where the textbook's 5 without correction gives a hundred in one.
	cusumSlack, cusumLimit = 0.5, 12
	// cusumMost keeps a long fault from taking as long to be over.
	cusumMost = 15
	// wild is where residuals are cut, in deviations, and wildest where they are for what is told of them.
	wild    = 4
	wildest = 3.0
	// recentMinutes is over how many minutes that is.
	recentMinutes = 15
	// leastDeviation is a standard deviation that is believed at least: figures that seem to be constant are not for ever.
	leastDeviation = 0.05
	// mostCorrelation is where the correlation of one minute with the next is cut.
	mostCorrelation = 0.97
	// fadeMinutes is after how many minutes a residual counts for a third.
	fadeMinutes = 24 * 60
	// driftMinutes is after how long a distance from the profile counts for a third: days differ as a whole.
	driftMinutes = 180
	// seasonWeight is that of a new day in the profile.
	seasonWeight = 0.3
)

// past is one figure, one value a minute. What is written with a capital is kept over a restart, here and in the other judges.
type past struct {
	absolute bool // it has a season of its own; else it is a difference from others, which has none
	limit    float64

	Week, Day   [hoursOfWeek]float64 `json:",omitzero"` // of one with a season: means by hour of the week and, in the first 24, of the day
	Weeks, Days [hoursOfWeek]int     `json:",omitzero"` // how often each has been seen
	hour        int                  // of the week, that is being seen
	sum         float64              // of its values
	n           int
	Last        []float64 // of each of the last 24 hours, the mean
	Minutes     int       // seen

	Variance, Product float64 // of residuals, and of each with the one before
	Before            float64 // the last residual
	Drift             float64 // of a figure with a season: how far the last hours were from the profile
	Weight            float64
	high              float64 // the CUSUM
	risen             int     // values since it left 0
	recent            float64 // how far over its usual the figure has been in the last minutes of that
	raised            bool
	since             time.Time
	calm              int
}

func newPast(absolute bool, leastRatio float64) *past {
	return &past{absolute: absolute, limit: math.Log(leastRatio), hour: -1}
}

// usual is what the figure should be at a time. known says whether there is enough to go by.
func (p *past) usual(now time.Time) (v float64, known bool) {
	hour := hourOfWeek(now)
	switch {
	case p.absolute && p.Weeks[hour] > 0 && p.Minutes >= 7*24*60:
		return p.between(&p.Week, &p.Weeks, now, hoursOfWeek), true
	case p.absolute && p.Days[hour%24] > 1:
		return p.between(&p.Day, &p.Days, now, 24), true
	case len(p.Last) > 0:
		return stats.Median(slices.Clone(p.Last)), !p.absolute || p.Minutes >= fadeMinutes
	}
	return 0, false
}

// between goes from the middle of one hour to that of the next, so that the profile has no steps.
func (p *past) between(means *[hoursOfWeek]float64, seen *[hoursOfWeek]int, now time.Time, of int) float64 {
	at := hourOfWeek(now) % of
	part := float64(now.Minute())/60 - 0.5
	other := (at + 1) % of
	if part < 0 {
		other, part = (at-1+of)%of, -part
	}
	if seen[other] == 0 {
		return means[at]
	}
	return means[at]*(1-part) + means[other]*part
}

func hourOfWeek(now time.Time) int { return int(now.Weekday())*24 + now.Hour() }

// add takes the value of a minute, and judges it. While it is frozen, as another judge has found a fault that it is part
// of, nothing is learned.
func (p *past) add(now time.Time, v float64, frozen bool) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	usual, known := p.usual(now)
	if p.Minutes >= warmMinutes {
		p.judge(now, v-usual, known, frozen)
	}
	if !p.raised && !frozen {
		p.learn(now, v)
	}
}

// warmMinutes is how long nothing is said of a figure at all.
const warmMinutes = 60

// judge counts a residual.
func (p *past) judge(now time.Time, r float64, known, frozen bool) {
	deviation := max(math.Sqrt(p.Variance/max(p.Weight, 1)), leastDeviation)
	r -= p.Drift
	phi := 0.0
	if p.Variance > 0 {
		phi = min(max(p.Product/p.Variance, 0), mostCorrelation)
	}
	corrected := deviation * math.Sqrt((1+phi)/(1-phi))
	plain := min(max(r, -wildest), wildest)
	r = min(max(r, -wild*corrected), wild*corrected)
	if !p.raised && !frozen {
		if p.absolute {
			p.Drift += r / min(p.Weight+1, driftMinutes)
		}
		fade := 1 - 1.0/fadeMinutes
		p.Weight = p.Weight*fade + 1
		p.Variance = p.Variance*fade + r*r
		p.Product = p.Product*fade + r*p.Before
		p.Before = r
	}
	if !known || p.Weight < warmMinutes {
		return
	}
	p.high = min(max(p.high+r/corrected-cusumSlack, 0), cusumMost)
	if p.high == 0 {
		p.risen, p.recent = 0, 0
	} else {
		if p.risen == 0 {
			p.since = now.Add(-time.Minute)
		}
		p.risen++
		p.recent += (plain - p.recent) / float64(min(p.risen, recentMinutes))
	}
	p.decide(plain)
}

// decide says when the figure is odd, and when it is so no longer.
func (p *past) decide(r float64) {
	switch {
	case !p.raised && p.high >= cusumLimit && p.shift() >= p.limit:
		p.raised, p.calm = true, 0
	case p.raised && (p.high == 0 || r < min(p.limit, math.Log(over))):
		if p.calm++; p.calm >= 5 {
			p.raised, p.high, p.risen, p.recent = false, 0, 0, 0
		}
	case p.raised:
		p.calm = 0
	}
}

// shift is how far over its usual the figure has been lately, since it rose.
func (p *past) shift() float64 { return p.recent }

// learn lets a value be part of the profile. The mean of an hour counts when it is over.
func (p *past) learn(now time.Time, v float64) {
	p.Minutes++
	if hour := hourOfWeek(now); hour != p.hour {
		if p.n >= 10 {
			p.endHour(p.sum / float64(p.n))
		}
		p.hour, p.sum, p.n = hour, 0, 0
	}
	p.sum += v
	p.n++
	if len(p.Last) == 0 && p.n >= 10 {
		p.Last = append(p.Last, p.sum/float64(p.n))
	}
}

func (p *past) endHour(mean float64) {
	if len(p.Last) == 24 {
		p.Last = slices.Delete(p.Last, 0, 1)
	}
	p.Last = append(p.Last, mean)
	if !p.absolute {
		return
	}
	for _, profile := range []struct {
		means *[hoursOfWeek]float64
		seen  *[hoursOfWeek]int
		at    int
	}{{&p.Week, &p.Weeks, p.hour}, {&p.Day, &p.Days, p.hour % 24}} {
		if profile.seen[profile.at]++; profile.seen[profile.at] == 1 {
			profile.means[profile.at] = mean
			continue
		}
		profile.means[profile.at] += seasonWeight * (mean - profile.means[profile.at])
	}
}

// accept takes what the figure is now for normal.
func (p *past) accept() { *p = *newPast(p.absolute, math.Exp(p.limit)) }
