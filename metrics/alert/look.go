// One look at the instruments, and what a rule finds in it.

package alert

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
)

// look is what the instruments said at one moment.
type look struct {
	at, before time.Duration // now, and when the instruments were looked at last
	byName     map[string][]growth
	fresh      map[string]bool // metrics that nobody looked at before
}

// found is what a rule finds for one subject.
type found struct {
	has    bool // there is something to judge by
	value  float64
	events float64 // that the value comes from
	weak   bool    // too few of them to fire
	full   bool    // all of the time that the rule looks back is known
	// complete: nothing that counted was lost by a restart.
	complete bool
	known    time.Duration
	wanted   time.Duration
}

// subjectOf is the subject that a sample tells of, for rules on that.
func subjectOf(on On, s *metrics.Sample) Subject {
	switch on {
	case OnUpstream:
		return Subject{Upstream: s.Label("upstream")}
	case OnEndpoint:
		return Subject{Upstream: s.Label("upstream"), Endpoint: s.Label("endpoint")}
	}
	return Subject{}
}

// sums are what the samples of a look add up to, for one rule, by subject.
type sums struct {
	point
	present bool // a series that the rule is about
	whole   bool // one of the whole
	raw     float64
	ofRaw   float64
	gauge   bool
}

// add sums up what a rule reads, by subject.
func (l *look) add(r *Rule) map[Subject]*sums {
	all := map[Subject]*sums{}
	of := func(s *metrics.Sample) *sums {
		subject := subjectOf(r.On, s)
		if all[subject] == nil {
			all[subject] = &sums{gauge: s.Kind == metrics.Gauge}
		}
		return all[subject]
	}
	for _, g := range l.byName[r.Metric] {
		if !r.accepts(g.sample) {
			continue
		}
		x := of(g.sample)
		x.present = true
		x.raw += g.sample.Value
		x.num += g.increase
		x.addBuckets(&g)
	}
	if r.Fn != Ratio {
		return all
	}
	for _, g := range l.byName[r.whole()] {
		x := of(g.sample)
		x.whole = true
		x.ofRaw += g.sample.Value
		x.point.whole += g.increase
	}
	return all
}

func (x *sums) addBuckets(g *growth) {
	if g.buckets == nil {
		return
	}
	if x.buckets == nil {
		x.buckets, x.bounds = make([]float64, len(g.buckets)), g.sample.Bounds
	}
	for i, n := range g.buckets {
		if i < len(x.buckets) {
			x.buckets[i] += n
		}
	}
}

// find is what a rule finds for one subject, whose sums may be nil: nothing was there.
func (l *look) find(r *Rule, x *sums, h *history) found {
	if r.Fn == Absent {
		f := found{has: true, full: true, complete: true}
		if x == nil || !x.present {
			f.value = 1
		}
		return f
	}
	if x == nil || !x.present && !(r.Fn == Ratio && x.whole) {
		return found{}
	}
	switch {
	case r.Fn == Value:
		return finite(found{has: true, full: true, complete: true, value: x.raw, events: math.Inf(1)})
	case r.Fn == Ratio && x.gauge:
		return finite(found{has: x.ofRaw != 0, full: true, complete: true, value: x.raw / x.ofRaw, events: math.Inf(1)})
	}
	p := x.point
	if x.gauge {
		p.num = x.raw
	}
	if len(h.points) == 0 && !x.gauge && !l.fresh[r.Metric] {
		h.points = []point{{at: l.before}} // it was looked for, and was not there: it has grown from nothing
	}
	h.add(l.at, p, x.gauge)
	return finite(r.over(h, x.gauge))
}

// over is what a rule that looks back finds.
func (r *Rule) over(h *history, gauge bool) found {
	counted, known := h.window()
	f := found{known: known, wanted: r.Over, full: known >= r.Over, complete: known >= r.Over, events: counted.num}
	switch {
	case known <= 0:
		return f
	case r.Fn == Rate:
		f.value = counted.num / known.Seconds()
	case r.Fn == Delta:
		f.value = counted.num
		if gauge {
			f.events = math.Inf(1)
		}
	case r.Fn == Ratio:
		f.events, f.value = counted.whole, counted.num/counted.whole
		if counted.whole <= 0 {
			return f
		}
	case r.Fn == Quantile:
		if n := len(counted.buckets); n > 0 {
			f.events = counted.buckets[n-1]
		}
		f.value = quantile(r.Quantile, counted.bounds, counted.buckets)
		if f.events <= 0 {
			return f
		}
	}
	f.has = f.events >= r.MinEvents
	return f
}

// finite is what was found, without data where the value is no number.
func finite(f found) found {
	if math.IsNaN(f.value) || math.IsInf(f.value, 0) {
		f.has, f.value = false, 0
	}
	return f
}
