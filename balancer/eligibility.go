package balancer

import (
	"cmp"
	"math"
	"slices"
)

// ejectionRules bound what passive judgement may take out of service. An operator's drain, a
// departure and a failed probe are facts and are always obeyed, down to an empty set:
// sending to a server that is known dead only makes the client wait for its error. An
// ejection is a suspicion, and many at once are more likely a fault of the traffic.
type ejectionRules struct {
	// MaxEjectedRatio is the part of the endpoints without any other condition that may be
	// out by ejection at once, 0 to 1, rounded down; the earliest ejections are obeyed.
	MaxEjectedRatio float64
	// PanicRatio is the part of the endpoints that are neither draining nor departing
	// below which too few are eligible, 0 to 1: then ejections are not obeyed at all.
	PanicRatio float64
}

// defaultRules let half of the usable endpoints be ejected, and panic below half.
var defaultRules = ejectionRules{MaxEjectedRatio: 0.5, PanicRatio: 0.5}

// obeysOutages reports whether outages keep requests from endpoints, of which so many cannot
// be reached, some for long. They do not where none can be reached, since one that may be
// back is better than none; but those whom a queue takes in had better wait for the first
// seconds of that. It is a pure function of the numbers.
func obeysOutages(endpoints, unreachable, longOut int, queued bool) bool {
	return unreachable < endpoints || queued && longOut < endpoints
}

// eligible says of each endpoint whether it may be picked, and whether panic mode had to
// bring endpoints back. It is a pure function of the conditions.
func (rules ejectionRules) eligible(standings []standing) (eligible []bool, panicking bool) {
	eligible = make([]bool, len(standings))
	var ejected []int // usable but for their ejection
	expected, usable := 0, 0
	for i, s := range standings {
		if s.set&(Draining|Departing) == 0 {
			expected++
		}
		if s.set&(Draining|Departing|ProbeFailed) != 0 {
			continue
		}
		usable++
		eligible[i] = true
		if s.set&Ejected != 0 {
			ejected = append(ejected, i)
		}
	}
	slices.SortStableFunc(ejected, func(a, b int) int {
		return cmp.Or(standings[a].since(Ejected).Compare(standings[b].since(Ejected)), cmp.Compare(a, b))
	})
	obeyed := ejected[:min(len(ejected), int(math.Floor(rules.MaxEjectedRatio*float64(usable))))]
	if len(obeyed) > 0 && float64(usable-len(obeyed)) < rules.PanicRatio*float64(expected) {
		return eligible, true
	}
	for _, i := range obeyed {
		eligible[i] = false
	}
	return eligible, false
}
