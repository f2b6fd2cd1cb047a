// The policies that steelyard is measured under.

package main

import "strings"

// policy is how a steelyard shares requests out, beside its defaults.
type policy struct {
	name  string  // the value of policy:
	scale float64 // of capacity_scale:, in requests/s for each unit of weight; 0 = none
	slots bool    // requests are counted against so many slots that they never run out
	order string  // of the queue; "" = none
	again bool    // is told apart from one that is the same
}

// base is the policy that the others are compared with.
var base = policy{name: "capacity"}

// weights are the capacities of the endpoints, in order.
var weights = []float64{100, 200, 150}

// slots is so many of them, where they are counted, that they never run out.
const slots = 1000

// ampleScale lets the endpoints sustain 90,000 requests/s together: about twice what one core of a client sends, so that
// the optimal split is found anew all the time.
const ampleScale = 200

// allPolicies are those compared in the order in which they take turns. The last is the first again, in a process of its
// own: how far apart the two are says how much of any other difference is chance.
var allPolicies = []policy{
	base,
	{name: "least_load"},
	{name: "two_choices"},
	{name: "optimal_split", scale: ampleScale},
	{name: "round_robin"},
	{name: "random"},
	{name: "capacity", slots: true},
	{name: "least_load", slots: true},
	{name: "least_load", slots: true, order: "shortest_first"},
	{name: "capacity", again: true},
}

// contender tells policies apart, such as steelyard/least_load+slots+shortest_first.
func (p policy) contender() string {
	parts := []string{"steelyard/" + p.name}
	if p.slots {
		parts = append(parts, "slots")
	}
	if p.order != "" {
		parts = append(parts, p.order)
	}
	if p.again {
		parts = append(parts, "again")
	}
	return strings.Join(parts, "+")
}
