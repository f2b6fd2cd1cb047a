// Shares in proportion to capacity, free of overflow.

package policy

import (
	"cmp"
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// leastShare stands in for shares too small to divide by.
const leastShare = 0x1p-200

// proportions returns each candidate's part of the sum of capacities. They are scaled by the
// largest, so that no positive ones are too large or too small; and summed with compensation
// (Kahan), so that the shares of 10,000 endpoints sum to 1 as exactly as those of two.
func proportions(candidates []balancer.Candidate) []float64 {
	largest := 0.0
	for _, c := range candidates {
		largest = max(largest, c.Capacity)
	}
	shares := make([]float64, len(candidates))
	sum, lost := 0.0, 0.0
	for i, c := range candidates {
		shares[i] = c.Capacity / largest
		add := shares[i] - lost
		next := sum + add
		lost = (next - sum) - add
		sum = next
	}
	for i := range shares {
		shares[i] = max(shares[i]/sum, leastShare)
	}
	return shares
}

// indexOf returns each endpoint's index among the candidates.
func indexOf(candidates []balancer.Candidate) map[*balancer.Endpoint]int32 {
	index := make(map[*balancer.Endpoint]int32, len(candidates))
	for i, c := range candidates {
		index[c.Endpoint] = int32(i)
	}
	return index
}

// byCapacity returns the candidates from the largest capacity down, equal ones in their order.
func byCapacity(candidates []balancer.Candidate) []int32 {
	order := make([]int32, len(candidates))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(i, j int32) int {
		return cmp.Compare(candidates[j].Capacity, candidates[i].Capacity)
	})
	return order
}

// scaled returns the capacities as parts of a power of two near the largest, so that no
// positive ones are too large or too small. That rounds nothing, so that equal ratios stay
// equal, except capacities that are too small beside the largest to matter.
func scaled(candidates []balancer.Candidate) []float64 {
	exponent := exponentOf(candidates)
	capacities := make([]float64, len(candidates))
	for i, c := range candidates {
		capacities[i] = max(math.Ldexp(c.Capacity, -exponent), leastShare)
	}
	return capacities
}

// exponentOf returns the exponent of that power of two.
func exponentOf(candidates []balancer.Candidate) int {
	largest := 0.0
	for _, c := range candidates {
		largest = max(largest, c.Capacity)
	}
	_, exponent := math.Frexp(largest)
	return exponent
}

// startAt sets the accounts to what they are after a whole number of turns. All requests that
// are due by then were served, and of those that are released but not yet due, the first.
func startAt(accounts []account, turns float64) {
	order := make([]int, len(accounts))
	open := 0.0
	for i := range accounts {
		order[i] = i
		_, part := math.Modf(accounts[i].share * turns)
		accounts[i].ahead = -part
		open += part
	}
	slices.SortFunc(order, func(i, j int) int {
		switch a, b := accounts[i].due(), accounts[j].due(); {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return i - j
	})
	for _, i := range order[:int(math.Round(open))] {
		accounts[i].ahead++
	}
}

// balance makes what the open accounts had beyond their shares sum to zero, as the rule needs.
// It may not, since an endpoint that left took its part along. Those that are ahead, or those
// that are owed, give up the surplus in proportion, so that none gets further from its share.
func balance(accounts []account) {
	ahead, owed := 0.0, 0.0
	for i := range accounts {
		switch a := &accounts[i]; {
		case a.closed:
		case a.ahead > 0:
			ahead += a.ahead
		default:
			owed -= a.ahead
		}
	}
	least := min(ahead, owed)
	for i := range accounts {
		switch a := &accounts[i]; {
		case a.closed:
		case a.ahead > 0:
			a.ahead *= least / ahead
		case a.ahead < 0:
			a.ahead *= least / owed
		}
	}
}
