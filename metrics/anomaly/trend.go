// Trends: figures that will be out of their limits within a week.

package anomaly

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

const (
	// trendHours is how much of a figure is remembered, and leastHours how much it takes.
	trendHours, leastHours = 14 * 24, 24
	// within is how soon a limit must be reached to be told.
	within = 7 * 24 * time.Hour
	// trendCertain is the deviations of Kendall's sum that chance reaches in one of a hundred, on one side; interval is
	// that of 80 %, both sides.
	trendCertain, trendInterval = 2.326, 1.2816
	// perHour is how many values an hour's mean needs.
	perHour = 3
)

// Trend is a figure on its way to a limit.
type Trend struct {
	Place    Place
	Quantity string // in words, such as "time for its work"
	Since    time.Time
	Now      float64
	Limit    float64
	PerDay   float64
	// Earliest and Latest are when the limit is reached, with 80 % certainty; Latest is zero where it may be never.
	Earliest, Latest time.Time
	Text             string

	falls bool
}

// Gauge is a figure that somebody watches for a trend.
type Gauge struct {
	Upstream, Endpoint string
	Quantity           string
	Value, Limit       float64
	Factor             bool // it grows or falls by factors: its logarithm is looked at
	// Portion, where it is not 0, makes the limit that part of the first value.
	Portion float64
}

// hours are the hourly means of one figure.
type hours struct {
	Quantity string
	Limit    float64
	Factor   bool
	Means    means // oldest first; NaN where an hour was not seen
	Place    Place
	Hour     int64 // that is being seen
	sum      float64
	n        int
	rising   int    // hours in a row in which a trend was seen
	trend    *Trend // nil: there is none
}

// spans are the parts of the past that are looked at, in hours: what began on Tuesday is not to be lost in a fortnight.
var spans = []int{24, 48, 96, 168, trendHours}

// trendFrom is the part of the way to its limit that a figure must have gone.
const trendFrom = 0.25

// trendTimes is in how many hours in a row a trend must be seen.
const trendTimes = 3

// add takes a value, and reports whether an hour is over.
func (h *hours) add(now time.Time, v float64) (over bool) {
	if h.Factor {
		v = math.Log(v)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return false
	}
	hour := now.Unix() / 3600
	if h.Hour == 0 {
		h.Hour = hour
	}
	switch back := h.Hour - hour; {
	case back > leastHours: // the clock was wrong, or is: what was seen then is of no time, and may be of one that is far off
		h.Means, h.Hour, h.sum, h.n = nil, hour, 0, 0
	case back > 0:
		return false
	}
	over = h.Hour < hour
	for ; h.Hour < hour; h.Hour++ {
		if hour-h.Hour > trendHours {
			h.Means, h.Hour, h.sum, h.n = nil, hour, 0, 0
			break
		}
		mean := math.NaN()
		if h.n >= perHour {
			mean = h.sum / float64(h.n)
		}
		h.Means = append(h.Means, mean)
		if len(h.Means) > trendHours {
			h.Means = slices.Delete(h.Means, 0, len(h.Means)-trendHours)
		}
		h.sum, h.n = 0, 0
	}
	h.sum += v
	h.n++
	return over
}

// slope is the middle of the slopes between all pairs of hours (Theil and Sen), per hour, with an interval of 80 %
// (Sen), and the deviations of Kendall's sum, corrected for how much one hour is like the next. The series is cut to
// its last part; enough says whether there is a day of it.
func slope(means []float64) (middleSlope, low, high, deviations float64, enough bool) {
	type point struct{ x, y float64 }
	var points []point
	for i, y := range means {
		if !math.IsNaN(y) {
			points = append(points, point{float64(i), y})
		}
	}
	n := float64(len(points))
	if len(points) < leastHours {
		return 0, 0, 0, 0, false
	}
	slopes, sum := make([]float64, 0, len(points)*(len(points)-1)/2), 0.0
	for i := range points {
		for j := i + 1; j < len(points); j++ {
			slopes = append(slopes, (points[j].y-points[i].y)/(points[j].x-points[i].x))
			switch {
			case points[j].y > points[i].y:
				sum++
			case points[j].y < points[i].y:
				sum--
			}
		}
	}
	slices.Sort(slopes)
	middleSlope = (slopes[(len(slopes)-1)/2] + slopes[len(slopes)/2]) / 2
	rest := make([]float64, len(points))
	for i, p := range points {
		rest[i] = p.y - middleSlope*p.x
	}
	deviation := math.Sqrt(n * (n - 1) * (2*n + 5) / 18 * inflation(rest))
	half := trendInterval * deviation / 2
	pairs := float64(len(slopes))
	at := func(rank float64) float64 { return slopes[min(max(int(rank), 0), len(slopes)-1)] }
	low, high = at(pairs/2-half), at(pairs/2+half)
	return middleSlope, low, high, (math.Abs(sum) - 1) / deviation * sign1(sum), true
}

func sign1(v float64) float64 {
	if v < 0 {
		return -1
	}
	return 1
}

// inflation is by how much the variance of the sum is larger than of independent hours.
func inflation(rest []float64) float64 {
	centre := stats.Median(slices.Clone(rest))
	own, next := 0.0, 0.0
	for i := range rest {
		own += (rest[i] - centre) * (rest[i] - centre)
		if i > 0 {
			next += (rest[i] - centre) * (rest[i-1] - centre)
		}
	}
	if own == 0 {
		return 1
	}
	phi := min(max(next/own, 0), mostCorrelation)
	return (1 + phi) / (1 - phi)
}

// judge looks whether the figure will be out of its limit, once an hour. It reports a trend that is new.
func (h *hours) judge(now time.Time, place Place) (news bool) {
	var found *Trend
	for _, span := range spans {
		if part := h.Means[max(len(h.Means)-span, 0):]; h.mayReach(part) {
			if t := h.look(now, place, part); t != nil && (found == nil || t.Earliest.Before(found.Earliest)) {
				found = t
			}
		}
		if span >= len(h.Means) {
			break
		}
	}
	if found == nil {
		h.rising, h.trend = 0, nil
		return false
	}
	h.rising++
	if h.rising < trendTimes {
		return false
	}
	news = h.trend == nil
	if !news {
		found.Since = h.trend.Since
		found.Text = found.sentence(now)
	}
	h.trend = found
	return news
}

// mayReach says by its ends, which costs little, whether a figure could reach its limit soon.
func (h *hours) mayReach(means []float64) bool {
	quarter := len(means) / 4
	if len(means) < leastHours {
		return false
	}
	first, last := meanOf(means[:quarter]), meanOf(means[len(means)-quarter:])
	limit := h.Limit
	if h.Factor {
		limit = math.Log(limit)
	}
	if math.Abs(last-first) < trendFrom*math.Abs(limit-first) {
		return false
	}
	perHour := (last - first) / float64(len(means)-quarter)
	left := (limit - last) / perHour
	return left > 0 && left < 2*within.Hours()
}

// meanOf leaves out what was not seen.
func meanOf(values []float64) float64 {
	sum, n := 0.0, 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / n
}

// look looks at a part of the past.
func (h *hours) look(now time.Time, place Place, means []float64) *Trend {
	s, low, high, deviations, enough := slope(means)
	limit := h.Limit
	if h.Factor {
		limit = math.Log(limit)
	}
	if !enough || math.IsNaN(limit) || math.IsInf(limit, 0) {
		return nil
	}
	var last []float64
	for i := len(means) - 1; i >= 0 && len(last) < 5; i-- {
		if !math.IsNaN(means[i]) {
			last = append(last, means[i])
		}
	}
	level := stats.Median(last)
	way := limit - level
	if s == 0 || way*s <= 0 || deviations*sign1(s) < trendCertain {
		return nil
	}
	if s < 0 {
		low, high = high, low // high is the faster one
	}
	hoursLeft := way / s
	if hoursLeft > within.Hours() {
		return nil
	}
	t := &Trend{Place: place, Quantity: h.Quantity, Now: h.plain(level), Limit: h.Limit, PerDay: h.plain(24 * s)}
	t.Since = now.Add(-time.Duration(len(means)) * time.Hour)
	t.Earliest = now.Add(time.Duration(way / high * float64(time.Hour)))
	if low*s > 0 && way/low < 1000*24 {
		t.Latest = now.Add(time.Duration(way / low * float64(time.Hour)))
	}
	t.falls = s < 0
	t.Text = t.sentence(now)
	return t
}

func (h *hours) plain(v float64) float64 {
	if h.Factor {
		return math.Exp(v)
	}
	return v
}

func (t *Trend) sentence(now time.Time) string {
	who := "the gateway"
	if t.Place.Upstream != "" {
		who = t.Place.Upstream
	}
	if t.Place.Endpoint != "" {
		who = t.Place.Endpoint
	}
	way := "grows"
	if t.falls {
		way = "falls"
	}
	since := t.Since.Format("Monday")
	if now.Sub(t.Since) > 6*24*time.Hour {
		since = t.Since.Format("2 January")
	}
	until := "later or never"
	if !t.Latest.IsZero() {
		until = inDays(t.Latest.Sub(now))
	}
	return fmt.Sprintf("%s: %s %s since %s or before, and will be out of its limit in %s to %s", who, t.Quantity, way, since, inDays(t.Earliest.Sub(now)), until)
}

func inDays(d time.Duration) string {
	if d < 36*time.Hour {
		return fmt.Sprintf("%.0f hours", max(d.Hours(), 1))
	}
	return fmt.Sprintf("%.0f days", math.Round(d.Hours()/24))
}
