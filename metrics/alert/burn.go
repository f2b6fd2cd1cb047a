// Objectives, and the rules that watch how fast what they allow is used up.

package alert

import (
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/window"
)

// SLO is what part of the requests must be good.
type SLO struct {
	Name      string
	Upstream  string        // "": each upstream by itself
	Objective float64       // the part that must be good, above 0 and below 1
	By        Good          // what is good
	Bound     time.Duration // of ByFirstByte and ByResponse, a bound of the histogram's buckets
	Period    time.Duration // over which the objective is to be kept
	MinBad    float64       // bad events in the long window, for a rule to fire
	Remedy    string
}

// Good is what makes a request good.
type Good uint8

// What may make a request good.
const (
	ByStatus    Good = iota // no 5xx, and no 429 for want of room in the queue; other 4xx and 499 do not count
	ByFirstByte             // the answer began within Bound; requests without an answer do not count
	ByResponse              // the answer ended within Bound; likewise
)

// DefaultMinBad is how many bad events a burn rule needs to fire: with few requests one error is
// a large part of them, and says nothing.
const DefaultMinBad = 10

const (
	requestsMetric  = "steelyard_requests_total"
	refusedMetric   = "steelyard_queue_refused_total"
	firstByteMetric = "steelyard_first_byte_time_seconds"
	responseMetric  = "steelyard_response_time_seconds"
)

func (s *SLO) metricNames() []string {
	switch s.By {
	case ByFirstByte:
		return []string{firstByteMetric}
	case ByResponse:
		return []string{responseMetric}
	}
	return []string{requestsMetric, refusedMetric}
}

// BurnWindow is one of the pairs of windows in which budgets are watched. A rule fires while more
// than Spent of the period's budget would be used up within Long, in both windows: the long one says
// that it matters, the short one that it goes on.
type BurnWindow struct {
	Severity    string
	Long, Short time.Duration
	Spent       float64 // of the budget, in Long
}

// BurnWindows are those of Google's workbook on reliability, table 5-8.
var BurnWindows = []BurnWindow{
	{Page, time.Hour, 5 * time.Minute, 0.02},
	{Page, 6 * time.Hour, 30 * time.Minute, 0.05},
	{Ticket, 3 * 24 * time.Hour, 6 * time.Hour, 0.10},
}

// Burn is how many times as fast as the objective allows the budget is used up if Spent of it goes in Long.
func (w BurnWindow) Burn(period time.Duration) float64 {
	return w.Spent * float64(period) / float64(w.Long)
}

// LeastObjective is the objective at and below which some burn rule can never fire: even if every
// request failed, the budget of 1 − objective would not be used up so fast. window is the one that asks most.
func LeastObjective(period time.Duration) (least float64, fastest BurnWindow) {
	for _, w := range BurnWindows {
		if l := 1 - 1/w.Burn(period); l > least {
			least, fastest = l, w
		}
	}
	return least, fastest
}

// Burn is what a burn rule watches.
type Burn struct {
	SLO    *SLO
	Window BurnWindow
}

// Limit is the part of bad requests beyond which it fires.
func (b *Burn) Limit() float64 { return b.Window.Burn(b.SLO.Period) * (1 - b.SLO.Objective) }

// Rules are the burn rules of an objective.
func (s *SLO) Rules() (rules []Rule) {
	if s.MinBad == 0 {
		s.MinBad = DefaultMinBad
	}
	for _, w := range BurnWindows {
		b := &Burn{SLO: s, Window: w}
		rules = append(rules, Rule{
			Name: s.Name + "-burn-" + shortly(w.Long), Severity: w.Severity, On: OnUpstream, Burn: b,
			Limit: b.Limit(), Clear: b.Limit(), Remedy: s.Remedy, Labels: map[string]string{"slo": s.Name, "window": shortly(w.Long)},
		})
	}
	return rules
}

// shortly writes 1h, 6h, 3d, 5m.
func shortly(d time.Duration) string {
	switch day := 24 * time.Hour; {
	case d >= day && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d >= time.Second && d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return d.String()
}

// count is how many of the requests of a sample, by its increase, count for the objective, and how many were bad.
func (s *SLO) count(x *metrics.Sample, increase float64, buckets []float64) (all, bad float64) {
	switch {
	case s.By != ByStatus:
		return increase, increase - upTo(x.Bounds, buckets, s.Bound)
	case x.Name == refusedMetric:
		if x.Label("reason") == "full" {
			return increase, increase
		}
	case x.Label("code") == "5xx":
		return increase, increase
	case x.Label("code") == "2xx" || x.Label("code") == "3xx":
		return increase, 0
	}
	return 0, 0
}

// upTo is how many observations were within a bound.
func upTo(bounds, buckets []float64, bound time.Duration) (n float64) {
	for i, b := range bounds {
		if b <= bound.Seconds()*(1+1e-9) {
			n = buckets[i]
		}
	}
	return n
}

// burning is what a burn rule finds.
func (b *Burn) burning(w *window.Window) found {
	long, known := w.Sum(b.Window.Long)
	short, _ := w.Sum(b.Window.Short)
	f := found{events: float64(long.Bad), full: known >= b.Window.Long, complete: true, known: known, wanted: b.Window.Long}
	if long.All == 0 || short.All == 0 {
		return f
	}
	// Both must be beyond the limit, so the smaller one decides.
	f.has, f.value = true, min(part(long), part(short))
	f.weak = f.events < b.SLO.MinBad
	return f
}

func part(c window.Count) float64 { return float64(c.Bad) / float64(c.All) }
