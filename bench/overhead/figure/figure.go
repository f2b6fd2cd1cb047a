package figure

import (
	"fmt"
	"math"
	"slices"
)

// Spread is what several rounds say of one quantity, in that quantity's own unit.
type Spread struct {
	Median, Min, Max float64
	Rounds           int // how many rounds it rests on; 0 = nothing was measured
}

// Summarise leaves values as they are. NaN values are left out: they stand for a round that has no such figure.
func Summarise(values []float64) Spread {
	v := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(v) == 0 {
		return Spread{}
	}
	slices.Sort(v)
	mid := len(v) / 2
	median := v[mid]
	if len(v)%2 == 0 {
		median = (v[mid-1] + v[mid]) / 2
	}
	return Spread{Median: median, Min: v[0], Max: v[len(v)-1], Rounds: len(v)}
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

// Quantile sorts values in place and returns the smallest of them that at least q of them (0 < q ≤ 1) do not
// exceed; 0 when there are none.
func Quantile(values []int64, q float64) int64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	// The tolerance keeps 0.99 × 100 at rank 99: the product is 99.00000000000001 for some sizes.
	rank := int(math.Ceil(q*float64(len(values)) - 1e-9))
	return values[min(max(rank, 1), len(values))-1]
}
