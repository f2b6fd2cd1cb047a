// What a split of the traffic leads to.

package theory

import (
	"math"
	"slices"
)

// Split is a static division of the traffic, and what becomes of it.
type Split struct {
	Rates       []float64 // T_i by endpoint, requests per second
	Utilisation []float64 // T_i/C_i by endpoint; at 1 and above it is saturated
	Response    []float64 // R_i by endpoint in seconds; +Inf where saturated
	Mean        float64   // R over all requests in seconds; +Inf when any of them go where it is
}

// StaticSplit returns what the given rates lead to, when requests are dealt at random in
// these proportions: each endpoint is an M/M/1 queue, R_i = 1/(C_i - T_i) and
// R = Σ T_i·R_i / ΣT_i. An endpoint that shares its speed equally among its requests has
// the same means whatever the work is (Kelly, Reversibility and Stochastic Networks,
// 1979: insensitivity of processor sharing).
func StaticSplit(capacities, rates []float64) Split {
	return split(capacities, rates, func(i int) float64 { return 1 / (capacities[i] - rates[i]) })
}

// FirstComeSplit is StaticSplit for endpoints that work on one request at a time, first
// come first served, where the work has the squared coefficient of variation cv2: 1 for
// exponential work, 10 for the heavy-tailed. R_i = 1/C_i + T_i·(1 + cv²)/(2·C_i·(C_i - T_i)):
// Pollaczek and Khinchine, 1930.
func FirstComeSplit(capacities, rates []float64, cv2 float64) Split {
	return split(capacities, rates, func(i int) float64 {
		c, rate := capacities[i], rates[i]
		return 1/c + rate*(1+cv2)/(2*c*(c-rate))
	})
}

// SlotsSplit is StaticSplit for endpoints that work on several requests at once, each at
// its slot's speed C_i/slots_i whether or not the others are busy, with a first-come queue
// before them: M/M/K with exponential work, R_i = slots_i/C_i + P_wait/(C_i - T_i), where
// P_wait is Erlang's C formula (1917). Endpoints that serve all requests at once, n of
// them at C_i/max(n, slots_i) each, have the same means, whatever the work is. Slots are 1
// or more.
func SlotsSplit(capacities []float64, slots []int, rates []float64) Split {
	return split(capacities, rates, func(i int) float64 {
		c, k := capacities[i], float64(slots[i])
		return k/c + erlangC(slots[i], rates[i]*k/c)/(c-rates[i])
	})
}

// erlangC is the probability that all slots are busy, with a load of offered requests on
// average, which must be less than slots.
func erlangC(slots int, offered float64) float64 {
	blocked := 1.0 // Erlang's B formula, by its recursion over the slots
	for k := 1; k <= slots; k++ {
		blocked = offered * blocked / (float64(k) + offered*blocked)
	}
	busy := offered / float64(slots)
	return blocked / (1 - busy*(1-blocked))
}

// split asks for the response of each endpoint that is not saturated.
func split(capacities, rates []float64, response func(i int) float64) Split {
	s := Split{Rates: slices.Clone(rates)}
	sum, total := 0.0, 0.0
	for i, c := range capacities {
		r := math.Inf(1)
		if rates[i] < c {
			r = response(i)
		}
		s.Utilisation = append(s.Utilisation, rates[i]/c)
		s.Response = append(s.Response, r)
		if rates[i] > 0 {
			sum += rates[i] * r
			total += rates[i]
		}
	}
	s.Mean = sum / total
	return s
}
