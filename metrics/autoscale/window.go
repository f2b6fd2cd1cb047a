// Figures over a time.

package autoscale

import (
	"math"
	"slices"
	"time"
)

// window keeps figures for a time, in buckets: however often it is told, it stays small.
type window struct {
	length, size time.Duration // of all, and of a bucket
	begun        time.Time     // when it was told first
	list         []bucket      // oldest first
}

type bucket struct {
	from     time.Time
	n        float64
	sum      float64
	low, top float64
}

const mostBuckets = 240

func newWindow(length time.Duration) window {
	return window{length: length, size: max(length/mostBuckets, time.Nanosecond)}
}

// add takes in a figure. What is older than the window goes.
func (w *window) add(now time.Time, v float64) {
	if w.begun.IsZero() {
		w.begun = now
	}
	w.drop(now)
	if n := len(w.list); n > 0 && now.Sub(w.list[n-1].from) < w.size {
		b := &w.list[n-1]
		b.n, b.sum, b.low, b.top = b.n+1, b.sum+v, min(b.low, v), max(b.top, v)
		return
	}
	w.list = append(w.list, bucket{now, 1, v, v, v})
}

func (w *window) drop(now time.Time) {
	gone := 0
	for gone < len(w.list) && now.Sub(w.list[gone].from) >= w.length+w.size {
		gone++
	}
	w.list = slices.Delete(w.list, 0, gone)
}

// clear forgets everything.
func (w *window) clear() { w.begun, w.list = time.Time{}, w.list[:0] }

// covers says whether figures came for as long as the window is, with no gap at its end.
func (w *window) covers(now time.Time) bool {
	return !w.begun.IsZero() && now.Sub(w.begun) >= w.length && len(w.list) > 0
}

// mean is that of the figures of so long; NaN: there is none.
func (w *window) mean(now time.Time, over time.Duration) float64 {
	n, sum := 0.0, 0.0
	for i := len(w.list) - 1; i >= 0 && now.Sub(w.list[i].from) < over; i-- {
		n += w.list[i].n
		sum += w.list[i].sum
	}
	return sum / n // 0/0 is NaN
}

// top is the largest figure of so long; NaN: there is none.
func (w *window) top(now time.Time, over time.Duration) float64 {
	top := math.NaN()
	for i := len(w.list) - 1; i >= 0 && now.Sub(w.list[i].from) < over+w.size; i-- {
		if t := w.list[i].top; !(t <= top) {
			top = t
		}
	}
	return top
}

// low is the least figure; NaN: there is none.
func (w *window) low() float64 {
	low := math.NaN()
	for i := range w.list {
		if l := w.list[i].low; !(l >= low) {
			low = l
		}
	}
	return low
}

// off is how far off the mean of so long may be by chance (its standard error); NaN: that is not known.
func (w *window) off(now time.Time, over time.Duration) float64 {
	scatter, n := w.scatter(now, 0, over)
	return scatter / math.Sqrt(n)
}

// scatter is the standard deviation of the n figures of so long, but those newer than newest; NaN: there are too few.
func (w *window) scatter(now time.Time, newest, over time.Duration) (deviation, n float64) {
	sum, squares := 0.0, 0.0
	for i := len(w.list) - 1; i >= 0 && now.Sub(w.list[i].from) < over; i-- {
		if now.Sub(w.list[i].from) < newest {
			continue
		}
		v := w.list[i].sum / w.list[i].n
		n, sum, squares = n+1, sum+v, squares+v*v
	}
	if n < 2 {
		return math.NaN(), n
	}
	return math.Sqrt(max(squares-sum*sum/n, 0) / (n - 1)), n
}

// line is the straight line through the figures of so long: its slope per second, and how far off that may be (its
// standard error). NaN: there are too few.
func (w *window) line(now time.Time, over time.Duration) (slope, off float64) {
	var n, x, y, xx, xy, yy float64
	for i := len(w.list) - 1; i >= 0 && now.Sub(w.list[i].from) < over; i-- {
		t, v := w.list[i].from.Sub(now).Seconds(), w.list[i].sum/w.list[i].n
		n, x, y, xx, xy, yy = n+1, x+t, y+v, xx+t*t, xy+t*v, yy+v*v
	}
	sx, sxy, sy := xx-x*x/n, xy-x*y/n, yy-y*y/n
	if n < leastPoints || sx <= 0 {
		return math.NaN(), math.NaN()
	}
	slope = sxy / sx
	return slope, math.Sqrt(max(sy-slope*sxy, 0) / (n - 2) / sx)
}

// leastPoints is how many figures a line needs.
const leastPoints = 12
