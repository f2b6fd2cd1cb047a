// The middle of values, parts as angles, and figures for people.

package stats

import (
	"math"
	"slices"
)

// Median sorts the values and returns their middle; 0 of none.
func Median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n == 0 {
		return 0
	}
	return (values[(n-1)/2] + values[n/2]) / 2
}

// Angle stretches a part of a whole such that chance scatters it equally everywhere.
func Angle(part float64) float64 { return math.Asin(math.Sqrt(min(max(part, 0), 1))) }

// Round leaves three digits, for people; 0 of what is no number.
func Round(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
