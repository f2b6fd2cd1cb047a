// The parts of traffic that make the mean response time least, by a formula.

package policy

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// split computes the shares of OptimalSplit. It does not change once it is made.
type split struct {
	capacity []float64 // by candidate, in parts of 2^exponent
	root     []float64 // their square roots
	exponent int
	sum      float64 // of capacity
	order    []int32 // candidates from the largest capacity down
}

// leastPart is what an endpoint keeps of its proportional share.
const leastPart = 0.01

func newSplit(candidates []balancer.Candidate) split {
	n := len(candidates)
	s := split{capacity: scaled(candidates), root: make([]float64, n), exponent: exponentOf(candidates), order: byCapacity(candidates)}
	for i, c := range s.capacity {
		s.root[i] = math.Sqrt(c)
		s.sum += c
	}
	return s
}

// full reports whether the traffic, in units of capacity, is all that the candidates sustain,
// or more.
func (s *split) full(traffic float64) bool { return math.Ldexp(traffic, -s.exponent) >= s.sum }

// used returns how many candidates, from the largest down, get more than the least part.
func (s *split) used(traffic float64) int {
	n, _ := s.solve(s.clip(traffic))
	return n
}

// at fills in the part of each candidate at this traffic. The parts sum to 1.
func (s *split) at(traffic float64, parts []float64) {
	if s.full(traffic) {
		for i, c := range s.capacity {
			parts[i] = c / s.sum
		}
		return
	}
	t := s.clip(traffic)
	used, a := s.solve(t)
	for i, c := range s.capacity {
		parts[i] = leastPart * c / s.sum
	}
	for _, i := range s.order[:used] {
		parts[i] = max(parts[i], (s.capacity[i]-s.root[i]*a)/t)
	}
	sum := 0.0
	for _, part := range parts {
		sum += part
	}
	for i := range parts {
		parts[i] = max(parts[i]/sum, leastShare)
	}
}

// clip returns the traffic in parts of 2^exponent. It is no less than what rounding leaves of
// it beside the capacities.
func (s *split) clip(traffic float64) float64 {
	const least = 1e-9
	return max(math.Ldexp(traffic, -s.exponent), least*s.sum)
}

// solve returns how many candidates are used and the a that they share.
func (s *split) solve(t float64) (used int, a float64) {
	sum, roots := 0.0, 0.0
	for _, i := range s.order {
		if used > 0 && s.root[i] <= a {
			break
		}
		sum += s.capacity[i]
		roots += s.root[i]
		used++
		a = (sum - t) / roots
	}
	return used, a
}
