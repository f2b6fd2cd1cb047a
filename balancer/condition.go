// Conditions: the reasons why an endpoint may not be picked.

package balancer

import (
	"math/bits"
	"strings"
	"time"
)

// Condition is a set of reasons why an endpoint may not be picked. Each reason has
// exactly one writer, so that none undoes what another decided.
type Condition uint8

const (
	// Draining is set by the operator.
	Draining Condition = 1 << iota
	// Departing is set by Apply for an endpoint that is about to go, as EndpointOptions.Departing says.
	Departing
	// ProbeFailed is set by the active probe.
	ProbeFailed
	// Ejected is set by passive judgement of real traffic. Alone among the reasons it is a
	// suspicion: no more than half of the usable endpoints are taken out for it.
	Ejected
	// Unreachable is set by the pool itself while connections to the endpoint fail. It comes
	// and goes with requests, and no snapshot shows it: Endpoint.Unreachable does. It keeps
	// requests away for moments, and not where no endpoint can be reached.
	Unreachable
	// Arriving is what an endpoint has from the start where EndpointOptions.Arriving asks for it,
	// until its first probe passes. Nobody counts on it before that.
	Arriving

	settable = Draining | ProbeFailed | Ejected | Arriving // by SetCondition
	// uncounted are the conditions of what is no part of the capacity that there should be.
	uncounted = Draining | Departing | Arriving
)

var conditionNames = [...]string{"draining", "departing", "probe failed", "ejected", "unreachable", "arriving"} // by bit

// String lists the reasons, separated by commas; the empty set is "none".
func (c Condition) String() string {
	var names []string
	for bit, name := range conditionNames {
		if c&(1<<bit) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// single reports whether c is exactly one condition that SetCondition may switch.
func (c Condition) single() bool { return bits.OnesCount8(uint8(c)) == 1 && c&settable != 0 }

// Reason is one condition of an endpoint with the words of its writer.
type Reason struct {
	Condition Condition // exactly one
	Text      string
	Since     time.Time
}

// standing is the conditions of one member with their reasons. It is replaced, never
// changed, because snapshots share its slice.
type standing struct {
	set     Condition
	reasons []Reason // one for each condition that is set, oldest first
}

// with returns the standing after c was switched; the same one when it already was so.
func (s standing) with(c Condition, on bool, text string, now time.Time) (next standing, changed bool) {
	if (s.set&c != 0) == on {
		return s, false
	}
	for _, r := range s.reasons {
		if r.Condition != c {
			next.reasons = append(next.reasons, r)
		}
	}
	next.set = s.set &^ c
	if on {
		next.set |= c
		next.reasons = append(next.reasons, Reason{Condition: c, Text: text, Since: now})
	}
	return next, true
}

// since returns when c was set; the zero time when it is not.
func (s standing) since(c Condition) time.Time {
	for _, r := range s.reasons {
		if r.Condition == c {
			return r.Since
		}
	}
	return time.Time{}
}
