// Response times that no balancer can beat.

package theory

import "math"

// PooledBound is the R of one endpoint with the capacity of all: 1/(ΣC - T), M/M/1. With
// exponential work nobody comes below it who does not know the work. Nor does anybody come near it
// while few requests are there, since one request cannot use all endpoints.
func PooledBound(capacities []float64, rate float64) float64 {
	total := sum(capacities)
	if rate >= total {
		return math.Inf(1)
	}
	return 1 / (total - rate)
}

// PreemptiveBound is the R of an ideal balancer that moves requests while they are being
// served, so that j requests are always on the j fastest endpoints: the birth-death chain
// with births at T and deaths at the sum of the min(j, n) largest capacities. With
// exponential work it bounds every balancer that does not split requests or know their
// work. For endpoints of several slots, give an entry for each slot: what the first, the
// second and each further request adds to the speed of its endpoint. Where requests do not
// slow each other that is C_i/slots_i, slots_i times; where they do, the first adds the
// most, and j requests can be done no faster than the sum of the j largest entries.
func PreemptiveBound(capacities []float64, rate float64) float64 {
	total := sum(capacities)
	if rate >= total {
		return math.Inf(1)
	}
	const large = 1e200
	weight, mass, requests := 1.0, 0.0, 0.0 // of j requests, of fewer, and of their number
	speed := 0.0
	for j, i := range fastestFirst(capacities) {
		mass += weight
		requests += float64(j) * weight
		speed += capacities[i]
		weight *= rate / speed
		if mass+weight > large { // only the proportions count
			weight, mass, requests = weight/large, mass/large, requests/large
		}
	}
	n, busy := float64(len(capacities)), rate/total // from n requests on it is geometric
	mass += weight / (1 - busy)
	requests += weight * (n/(1-busy) + busy/((1-busy)*(1-busy)))
	return requests / mass / rate
}
