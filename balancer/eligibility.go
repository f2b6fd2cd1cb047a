// Who may be picked, as pure functions of conditions and capacities.

package balancer

import (
	"cmp"
	"slices"
)

// ejectionRules bound what passive judgement may take out of service. An operator's drain, a
// departure and a failed probe are facts: they are always obeyed, even if no endpoint is
// left, since a request to a server that is known to be dead only makes the client wait for
// its error. An ejection is a suspicion. If much of the fleet is suspected at once, it is more
// likely that the traffic is at fault.
type ejectionRules struct {
	MaxEjectedRatio float64 // as in Options
	PanicRatio      float64 // as in Options
}

// obeysOutages reports whether outages keep requests from endpoints. They do not where no
// endpoint can be reached: one that may be back is better than none. But where there is a
// queue they do until every outage is long, since to wait a few seconds is better than to
// fail. It is a pure function of how many endpoints there are, how many of them cannot be
// reached, and how many of those for long.
func obeysOutages(endpoints, unreachable, longOut int, queued bool) bool {
	return unreachable < endpoints || queued && longOut < endpoints
}

// eligible says of each endpoint whether it may be picked, and whether ejections had to be
// ignored. It is a pure function of the conditions and capacities.
func (rules ejectionRules) eligible(standings []standing, capacities []float64) (eligible []bool, panicking bool) {
	eligible = make([]bool, len(standings))
	var ejected []int // usable but for their ejection
	usable := 0
	for i, s := range standings {
		if s.set&(uncounted|ProbeFailed) != 0 {
			continue
		}
		usable++
		eligible[i] = true
		if s.set&Ejected != 0 {
			ejected = append(ejected, i)
		}
	}
	obeyed := rules.obeyed(ejected, usable, standings, capacities)
	if len(obeyed) == 0 {
		return eligible, false
	}
	left := slices.Clone(eligible)
	for _, i := range obeyed {
		left[i] = false
	}
	if !rules.enough(left, standings, capacities) {
		return eligible, true
	}
	return left, false
}

// obeyed returns those of the ejected that are to be kept out: the earliest, as many as may be.
// One may be whatever its size is, but never the last that is usable.
func (rules ejectionRules) obeyed(ejected []int, usable int, standings []standing, capacities []float64) (obeyed []int) {
	if rules.MaxEjectedRatio == 0 {
		return nil
	}
	slices.SortStableFunc(ejected, func(a, b int) int {
		return cmp.Or(standings[a].since(Ejected).Compare(standings[b].since(Ejected)), cmp.Compare(a, b))
	})
	unit := largest(capacities)
	whole, sum := 0.0, 0.0
	for i, s := range standings {
		if s.set&(uncounted|ProbeFailed) == 0 {
			whole += capacities[i] / unit
		}
	}
	for _, i := range ejected {
		part := capacities[i] / unit
		if len(obeyed)+1 < usable && (len(obeyed) == 0 || sum+part <= rules.MaxEjectedRatio*whole*(1+rounding)) {
			obeyed = append(obeyed, i)
			sum += part
		}
	}
	return obeyed
}

// rounding is the part by which a sum of capacities may be off.
const rounding = 1e-9

// enough reports whether these endpoints have as much of the capacity that is neither draining
// nor departing nor arriving as PanicRatio asks for. None are never enough.
func (rules ejectionRules) enough(these []bool, standings []standing, capacities []float64) bool {
	unit := largest(capacities)
	whole, part, any := 0.0, 0.0, false
	for i, s := range standings {
		if s.set&uncounted == 0 {
			whole += capacities[i] / unit
		}
		if these[i] {
			part += capacities[i] / unit
			any = true
		}
	}
	return any && part >= rules.PanicRatio*whole*(1-rounding)
}

// largest returns the largest capacity. What is scaled by it has a sum that does not overflow.
func largest(capacities []float64) float64 { return slices.Max(append([]float64{0}, capacities...)) }
