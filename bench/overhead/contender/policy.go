package contender

import "strings"

// Policy is how a steelyard shares requests out. The zero value leaves its configuration as it is by default.
type Policy struct {
	Name  string  // the value of policy:
	Scale float64 // of capacity_scale:, in requests/s for each unit of weight; 0 = none
	Slots int     // of every endpoint; 0 = no limit
	Order string  // of the queue; "" = the default
	Again bool    // is told apart from one that is the same
}

// Base is the policy that the others are compared with.
var Base = Policy{Name: "capacity"}

const (
	// plenty is slots that are counted at every request, and never run out.
	plenty = 1000
	// ampleScale lets the endpoints sustain 90,000 requests/s together: about twice what one core of a client sends,
	// so that the optimal split is found anew all the time.
	ampleScale = 200
)

// Policies are those compared in the order in which they take turns. The last is the first again, in a process of
// its own: how far apart the two are says how much of any other difference is chance.
var Policies = []Policy{
	Base,
	{Name: "least_load"},
	{Name: "two_choices"},
	{Name: "optimal_split", Scale: ampleScale},
	{Name: "round_robin"},
	{Name: "random"},
	{Name: "capacity", Slots: plenty},
	{Name: "least_load", Slots: plenty},
	{Name: "least_load", Slots: plenty, Order: "shortest_first"},
	{Name: "capacity", Again: true},
}

// String tells policies apart, such as least_load+slots+shortest_first.
func (p Policy) String() string {
	parts := []string{p.Name}
	if p.Slots > 0 {
		parts = append(parts, "slots")
	}
	if p.Order != "" {
		parts = append(parts, p.Order)
	}
	if p.Again {
		parts = append(parts, "again")
	}
	return strings.Join(parts, "+")
}
