// The rank test of Mann and Whitney, and by how much two lists differ.

package anomaly

import (
	"math"
	"slices"
	"sort"
)

// pool is sorted values of several endpoints.
type pool []float64

// with is both, sorted.
func (p pool) with(o pool) pool {
	all := make(pool, 0, len(p)+len(o))
	for len(p) > 0 && len(o) > 0 {
		if p[0] <= o[0] {
			all, p = append(all, p[0]), p[1:]
		} else {
			all, o = append(all, o[0]), o[1:]
		}
	}
	return append(append(all, p...), o...)
}

// below counts the values under x, and half of those equal to it.
func (p pool) below(x float64) float64 {
	low, equal := slices.BinarySearch(p, x)
	high := low
	if equal {
		high += sort.Search(len(p)-low, func(i int) bool { return p[low+i] > x })
	}
	return float64(low) + float64(high-low)/2
}

// versus is one endpoint's values and those of the others.
type versus struct {
	own  pool
	all  pool // the others', and maybe the endpoint's
	mine pool // what of all is the endpoint's, and does not count
}

func (v versus) others() int { return len(v.all) - len(v.mine) }

// u counts the pairs in which the endpoint's value, moved down by a shift, is the larger one.
func (v versus) u(shift float64) (pairs float64) {
	for _, x := range v.own {
		pairs += v.all.below(x - shift)
		if v.mine != nil {
			pairs -= v.mine.below(x - shift)
		}
	}
	return pairs
}

// deviations is how many standard deviations higher its values rank than by chance.
func (v versus) deviations() float64 {
	n, m := float64(len(v.own)), float64(v.others())
	if n == 0 || m == 0 {
		return 0
	}
	return (v.u(0) - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}

// shift is the difference by which both would rank alike (Hodges and Lehmann).
func (v versus) shift() float64 {
	const most, rounds = 5.0, 24
	low, high, half := -most, most, float64(len(v.own))*float64(v.others())/2
	for range rounds {
		middle := (low + high) / 2
		if v.u(middle) > half {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// median is that of sorted values; 0 of none.
func (p pool) median() float64 {
	n := len(p)
	if n == 0 {
		return 0
	}
	if n%2 == 0 {
		return (p[n/2-1] + p[n/2]) / 2
	}
	return p[n/2]
}
