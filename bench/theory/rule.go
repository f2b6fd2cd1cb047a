// Ways to split the traffic: even, by capacity, and the best.

package theory

import (
	"cmp"
	"math"
	"slices"
)

// EvenSplit gives every endpoint the same: T_i = T/n.
func EvenSplit(capacities []float64, rate float64) Split {
	rates := make([]float64, len(capacities))
	for i := range rates {
		rates[i] = rate / float64(len(capacities))
	}
	return StaticSplit(capacities, rates)
}

// ProportionalSplit shares by capacity: T_i = T·C_i/ΣC. Every endpoint is as busy as every
// other, it is stable up to T = ΣC, and R = n/(ΣC - T): n times PooledBound.
func ProportionalSplit(capacities []float64, rate float64) Split {
	return StaticSplit(capacities, proportional(capacities, rate))
}

func proportional(capacities []float64, rate float64) []float64 {
	rates, total := make([]float64, len(capacities)), sum(capacities)
	for i, c := range capacities {
		rates[i] = rate * (c / total)
	}
	return rates
}

// OptimalSplit is the static split of least R, the square-root rule: over the fastest
// endpoints A, T_i = C_i - a·√C_i with a = (ΣC_A - T)/Σ√C_A, and nothing for those with
// √C_i <= a, which would only slow requests down. R* = ((Σ√C_A)²/(ΣC_A - T) - |A|)/T.
// Buzen and Chen, Optimal Load Balancing in Memory Hierarchies, IFIP 1974; Bell and
// Stidham, Management Science 29(7), 1983. At T >= ΣC no split is stable: it returns the
// proportional one.
func OptimalSplit(capacities []float64, rate float64) Split {
	if rate >= sum(capacities) {
		return ProportionalSplit(capacities, rate)
	}
	rates := make([]float64, len(capacities))
	order := fastestFirst(capacities)
	used, capacity, roots := 0, 0.0, 0.0
	for k, i := range order {
		c, r := capacity+capacities[i], roots+math.Sqrt(capacities[i])
		if math.Sqrt(capacities[i])*r <= c-rate {
			break
		}
		used, capacity, roots = k+1, c, r
	}
	for _, i := range order[:used] {
		rates[i] = capacities[i] - math.Sqrt(capacities[i])*(capacity-rate)/roots
	}
	return StaticSplit(capacities, rates)
}

// fastestFirst returns the endpoints by capacity, equal ones in their order.
func fastestFirst(capacities []float64) []int {
	order := make([]int, len(capacities))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(capacities[j], capacities[i]) })
	return order
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}
