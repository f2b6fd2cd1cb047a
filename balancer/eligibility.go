// Which endpoints may be picked, and when an ejection or an outage is ignored.

package balancer

import (
	"cmp"
	"math"
	"slices"
)

// ejectionRules bound what passive judgement may take out of service. An operator's drain, a
// departure and a failed probe are facts: they are always obeyed, even if no endpoint is
// left, since a request to a server that is known to be dead only makes the client wait for
// its error. An ejection is a suspicion. If many endpoints are suspected at once, it is more
// likely that the traffic is at fault.
type ejectionRules struct {
	// MaxEjectedRatio is the part, 0 to 1, of the endpoints without any other condition that
	// may be ejected at once. It is rounded down. Of more ejections the earliest are obeyed.
	MaxEjectedRatio float64
	// PanicRatio is a part, 0 to 1, of the endpoints that are neither draining nor departing.
	// If fewer than that would be eligible, ejections are not obeyed at all.
	PanicRatio float64
}

// defaultRules let half of the usable endpoints be ejected, and panic below half.
var defaultRules = ejectionRules{MaxEjectedRatio: 0.5, PanicRatio: 0.5}

// obeysOutages reports whether outages keep requests from endpoints. They do not where no
// endpoint can be reached: one that may be back is better than none. But where there is a
// queue they do until every outage is long, since to wait a few seconds is better than to
// fail. It is a pure function of how many endpoints there are, how many of them cannot be
// reached, and how many of those for long.
func obeysOutages(endpoints, unreachable, longOut int, queued bool) bool {
	return unreachable < endpoints || queued && longOut < endpoints
}

// eligible says of each endpoint whether it may be picked, and whether ejections had to be
// ignored. It is a pure function of the conditions.
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
