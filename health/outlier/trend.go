// Warning early: an endpoint that becomes slower, bit by bit.

package outlier

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

const (
	// trendEvery is how many ticks make one point of a trend, and trendPoints how many points are kept: ten minutes.
	trendEvery, trendPoints = 10, 60
	// trendLeast is how many points make a trend.
	trendLeast = 12
	// trendSure is how many standard deviations over chance the number of rises must be (Mann and Kendall's test).
	trendSure = 4.5
	// trendFrom is the ratio to its peers from which an endpoint is looked at, and trendAhead how
	// far the trend is carried on.
	trendFrom, trendAhead = 1.25, 10 * time.Minute
	// trendQuiet is how long nothing more is said of an endpoint after a warning.
	trendQuiet = 10 * time.Minute
)

// trend is how much slower than its peers an endpoint was, each by its own measure, as
// logarithms.
type trend struct {
	points ring[float64]
	warned time.Time
}

// judgeTrends takes one more point of each endpoint, and warns of those that will be too slow
// soon.
func (g *Group) judgeTrends(now time.Time) {
	if g.options.SlowRatio == 0 {
		return
	}
	promised, absolute := g.offsets()
	list := g.paces(trendEvery, promised, absolute)
	if len(list) < 2 {
		return
	}
	others := newPeers(list, func(p *pace) float64 { return p.promised })
	limit := math.Log(g.options.SlowRatio)
	for i := range list {
		p := &list[i]
		if !p.e.known() {
			continue
		}
		t := &p.e.trend
		t.points.fit(trendPoints)
		t.points.push(p.promised - others.median(p.promised))
		if now.Sub(t.warned) < trendQuiet {
			continue
		}
		if f, rises := t.judge(limit); rises {
			t.warned = now
			g.say(p.e, Decision{Action: Warn, Detector: Trend, Reason: f.reason, Evidence: f.evidence})
		}
	}
}

// judge reports whether the points rise, and would be over the limit soon.
func (t *trend) judge(limit float64) (f finding, rises bool) {
	if t.points.n < trendLeast {
		return f, false
	}
	last := []float64{*t.points.back(0), *t.points.back(1), *t.points.back(2)}
	level := stats.Median(last)
	if level < math.Log(trendFrom) || level >= limit {
		return f, false
	}
	sure, slope := t.rise()
	soon := level + slope*float64(trendAhead)/float64(trendEvery*tickEvery)
	if sure < trendSure || soon < limit {
		return f, false
	}
	left := time.Duration((limit - level) / slope * float64(trendEvery*tickEvery)).Round(time.Second)
	return finding{Trend, fmt.Sprintf("its requests take %.3g times as long as those of its peers, each by its own measure, and ever longer: %.3g times in about %s",
		math.Exp(level), math.Exp(limit), left), map[string]any{
		"ratio_to_peers": stats.Round(math.Exp(level)), "limit": stats.Round(math.Exp(limit)), "seconds_left": left.Seconds(), "points": t.points.n,
		"standard_deviations": stats.Round(sure),
	}}, true
}

// rise is how many standard deviations more often than by chance a later point is higher than
// an earlier one, and how much higher one is than the one before: the median over all pairs (Theil and Sen).
func (t *trend) rise() (sure, slope float64) {
	n := t.points.n
	slopes := make([]float64, 0, n*(n-1)/2)
	rises := 0.0
	for later := range n {
		for earlier := later + 1; earlier < n; earlier++ { // back counts from the newest
			d := *t.points.back(later) - *t.points.back(earlier)
			slopes = append(slopes, d/float64(earlier-later))
			switch {
			case d > 0:
				rises++
			case d < 0:
				rises--
			}
		}
	}
	slices.Sort(slopes)
	of := float64(n)
	return (rises - 1) / math.Sqrt(of*(of-1)*(2*of+5)/18), slopes[len(slopes)/2]
}
