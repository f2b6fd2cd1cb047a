// How far off a model was, and the quantiles of that.

package forecast

import (
	"math"
	"slices"
)

// leastResiduals is how many must be known for quantiles to be taken from them.
const leastResiduals = 30

// residuals are the last differences of what came from what was foretold at one horizon, as square roots: counts
// scatter by their square root, so that quiet and busy hours can share one list.
type residuals struct {
	list   []float32 // in the order they came, from next on
	sorted []float32
	next   int
}

func newResiduals(n int) *residuals {
	return &residuals{list: make([]float32, 0, min(n, 512)), next: -n}
}

// add takes one more. While next is below zero the list is not full yet.
func (r *residuals) add(foretold, came float64) {
	v := float32(math.Sqrt(came) - math.Sqrt(foretold))
	if r.next < 0 {
		r.list = append(r.list, v)
		r.next++
	} else {
		old, _ := slices.BinarySearch(r.sorted, r.list[r.next])
		r.sorted = slices.Delete(r.sorted, old, old+1)
		r.list[r.next] = v
		r.next = (r.next + 1) % len(r.list)
	}
	at, _ := slices.BinarySearch(r.sorted, v)
	r.sorted = slices.Insert(r.sorted, at, v)
}

// enough says whether there are enough for quantiles.
func (r *residuals) enough() bool { return len(r.sorted) >= leastResiduals }

// quantile is the offset at a level, 0 to 1; 0 where there are too few. Levels below 0 and above 1 lie beyond what was seen.
func (r *residuals) quantile(level float64) float64 {
	const beyond = 3 // times the farthest, for a level that is 1 too far
	n := len(r.sorted)
	switch {
	case !r.enough():
		return 0
	case level < 0:
		return float64(r.sorted[0]) * (1 - beyond*level)
	case level > 1:
		return float64(r.sorted[n-1]) * (1 + beyond*(level-1))
	}
	place := level*float64(n+1) - 1 // between two of them where it is no whole number
	low := min(max(int(math.Floor(place)), 0), n-1)
	high := min(low+1, n-1)
	part := min(max(place-float64(low), 0), 1)
	return float64(r.sorted[low])*(1-part) + float64(r.sorted[high])*part
}

// shift moves a forecast by an offset.
func shift(foretold, offset float64) float64 {
	root := max(math.Sqrt(max(foretold, 0))+offset, 0)
	return root * root
}

// scoredHigh is the upper quantile by which models are scored, beside the middle.
const scoredHigh = 0.9

// pinball is the loss of a forecast of a quantile.
func pinball(quantile, foretold, came float64) float64 {
	e := came - foretold
	return max(quantile*e, (quantile-1)*e)
}
