// Whole weights in proportion to capacities.

package peers

import "math"

// mostWeight is the largest weight that HAProxy takes.
const mostWeight = 256

// Weights are whole numbers from 1 to 256 in proportion to the capacities given: these themselves where they are such numbers,
// otherwise as near as a largest weight of 256 allows. Capacities are positive.
func Weights(capacities []float64) []int {
	largest, whole := 0.0, true
	for _, c := range capacities {
		largest = max(largest, c)
		whole = whole && c == math.Trunc(c)
	}
	if whole && largest <= mostWeight {
		return scaled(capacities, 1)
	}
	best, least := 0, math.Inf(1)
	for top := 1; top <= mostWeight; top++ { // the smallest numbers that fit exactly, or else the nearest
		if off := misfit(capacities, float64(top)/largest); off < least-1e-9 {
			best, least = top, off
		}
	}
	return scaled(capacities, float64(best)/largest)
}

func scaled(capacities []float64, scale float64) []int {
	weights := make([]int, len(capacities))
	for i, c := range capacities {
		weights[i] = max(int(math.Round(c*scale)), 1)
	}
	return weights
}

// misfit is the largest relative error of the weights at a scale.
func misfit(capacities []float64, scale float64) (worst float64) {
	for _, c := range capacities {
		exact := c * scale
		worst = max(worst, math.Abs(max(math.Round(exact), 1)-exact)/exact)
	}
	return worst
}
