package policy

import (
	"cmp"
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// leastShare stands in for shares too small to divide by.
const leastShare = 0x1p-200

// proportions returns each candidate's part of the summed capacity. Capacities are scaled
// by the largest, so that any positive ones do, and summed with compensation, so that the
// shares of 10,000 endpoints add up to 1 as exactly as those of two.
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

// indexOf returns each endpoint's place among the candidates.
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

// scaled returns the capacities as parts of a power of two near the largest. Any positive
// ones will do, and what was equal among their ratios is equal still: nothing is rounded
// but what is too small beside the largest to count.
func scaled(candidates []balancer.Candidate) []float64 {
	exponent := exponentOf(candidates)
	capacities := make([]float64, len(candidates))
	for i, c := range candidates {
		capacities[i] = max(math.Ldexp(c.Capacity, -exponent), leastShare)
	}
	return capacities
}

// exponentOf returns that of the power of two.
func exponentOf(candidates []balancer.Candidate) int {
	largest := 0.0
	for _, c := range candidates {
		largest = max(largest, c.Capacity)
	}
	_, exponent := math.Frexp(largest)
	return exponent
}

// startAt sets the accounts to what they are after this whole number of turns: every
// request due by then was given out, and of those under way the ones due first.
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

// settle makes what the open accounts had beyond their shares sum to zero, as the rule needs:
// an endpoint that left took its part along. Those ahead, or those owed, give up the
// surplus in proportion, so that nobody ends further from its share than it was.
func settle(accounts []account) {
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
