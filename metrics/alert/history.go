// What a rule has counted for one subject, over the time that it looks back.

package alert

import "time"

// pointsKept is how finely the past of a rule is known: in so many parts of Over.
const pointsKept = 60

// history is running totals, as far back as a rule looks.
type history struct {
	over   time.Duration
	points []point // oldest first; the first is the newest that is Over old, where there is one
	now    point
}

// point is what was counted up to a moment.
type point struct {
	at      time.Duration
	num     float64 // of what the rule is about; of a gauge its value
	whole   float64 // of a ratio
	buckets []float64
	bounds  []float64 // of buckets
}

// add counts what one look has found. gauge: num is a value, not an increase.
func (h *history) add(at time.Duration, found point, gauge bool) {
	last := h.now
	h.now = point{at: at, num: last.num + found.num, whole: last.whole + found.whole, bounds: found.bounds}
	if gauge {
		h.now.num = found.num
	}
	if found.buckets != nil {
		h.now.buckets = make([]float64, len(found.buckets))
		for i, n := range found.buckets {
			if i < len(last.buckets) {
				n += last.buckets[i]
			}
			h.now.buckets[i] = n
		}
	}
	if n := len(h.points); n == 0 || at-h.points[n-1].at >= h.over/pointsKept {
		h.points = append(h.points, h.now)
	}
	for len(h.points) > 1 && at-h.points[1].at >= h.over {
		h.points = h.points[1:]
	}
	if cap(h.points) > 4*pointsKept && len(h.points) < cap(h.points)/3 {
		h.points = append(make([]point, 0, 2*pointsKept), h.points...) // what lies before the first is given back
	}
}

// window is what was counted in Over or, where less is known, in all of that, and how long that is.
func (h *history) window() (counted point, length time.Duration) {
	if len(h.points) == 0 {
		return counted, 0
	}
	first := h.points[0]
	counted = point{num: h.now.num - first.num, whole: h.now.whole - first.whole, bounds: h.now.bounds}
	counted.buckets = make([]float64, len(h.now.buckets))
	for i, n := range h.now.buckets {
		if i < len(first.buckets) {
			n -= first.buckets[i]
		}
		counted.buckets[i] = n
	}
	return counted, h.now.at - first.at
}

// quantile is the value below which that part of the observations lies, as Prometheus reckons: evenly
// spread within a bucket, and the last bound for what lies beyond it.
func quantile(q float64, bounds, buckets []float64) float64 {
	if len(buckets) == 0 || len(bounds) == 0 {
		return 0
	}
	rank := q * buckets[len(buckets)-1]
	below, from := 0.0, 0.0
	for i, bound := range bounds {
		if n := buckets[i]; n >= rank && n > below {
			return from + (bound-from)*(rank-below)/(n-below)
		}
		below, from = buckets[i], bound
	}
	return bounds[len(bounds)-1]
}
