// Medians, quantiles and ratios of samples.

package figure

import (
	"fmt"
	"math"
	"slices"
)

// Median is the median of the values that exist. NaN and infinite ones stand for figures that do not, and are left out;
// of nothing else it is NaN.
func Median[T ~float64](values []T) T {
	v := existing(values)
	if len(v) == 0 {
		return T(math.NaN())
	}
	middle := len(v) / 2
	if len(v)%2 == 0 {
		return (v[middle-1] + v[middle]) / 2
	}
	return v[middle]
}

// Mean is the mean of values, NaN of none or where one is.
func Mean[T ~float64](values []T) T {
	sum := T(0)
	for _, v := range values {
		sum += v
	}
	return sum / T(len(values))
}

// existing are the finite values, sorted.
func existing[T ~float64](values []T) []T {
	v := slices.DeleteFunc(slices.Clone(values), func(x T) bool { return math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) })
	slices.Sort(v)
	return v
}

// Quantile is the least of the sorted values for which the part q of them, 0 to 1, is no larger; 0
// of none.
func Quantile[T ~int64 | ~float64](sorted []T, q float64) T {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Spread is what several rounds say of one quantity, in that quantity's own unit.
type Spread struct {
	Median, Min, Max float64
	Rounds           int // how many rounds it rests on; 0 = nothing was measured
}

// Summarise leaves values as they are, and leaves out of them what Median does.
func Summarise(values []float64) Spread {
	v := existing(values)
	if len(v) == 0 {
		return Spread{}
	}
	return Spread{Median: Median(v), Min: v[0], Max: v[len(v)-1], Rounds: len(v)}
}

// Text is "median [min to max]" with the given number of decimals, the median alone for a single round, and a dash
// where nothing was measured.
func (s Spread) Text(decimals int) string {
	switch s.Rounds {
	case 0:
		return "-"
	case 1:
		return fmt.Sprintf("%.*f", decimals, s.Median)
	}
	return fmt.Sprintf("%.*f [%.*f to %.*f]", decimals, s.Median, decimals, s.Min, decimals, s.Max)
}

// Ratios divides round by round; the slices hold the same rounds in the same order. A round that either side lacks
// (NaN, or a divisor of 0) gives NaN.
func Ratios(of, by []float64) []float64 {
	return pairwise(of, by, func(a, b float64) float64 {
		if b == 0 {
			return math.NaN()
		}
		return a / b
	})
}

// Differences subtracts round by round, under the same rules as Ratios.
func Differences(of, from []float64) []float64 {
	return pairwise(of, from, func(a, b float64) float64 { return a - b })
}

func pairwise(a, b []float64, f func(a, b float64) float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = f(a[i], b[i])
	}
	return out
}
