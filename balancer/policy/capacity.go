// The policy capacity: exact shares in proportion to capacity.

package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// CapacityOptions tune the policy capacity.
type CapacityOptions struct {
	// Start returns the turn at which a picker without a predecessor starts, as if so many
	// requests had been shared before; nil for turn zero. With a random one (rand.Uint64)
	// replicas that see the same traffic do not march in step. The bound from the start is
	// then 2 instead of 1.
	Start func() uint64
}

// Capacity returns the policy that shares requests in exact proportion to capacity, as
// Tijdeman's chairman assignment does (Discrete Mathematics 32, 1980). Of N requests since
// turn zero an endpoint of capacity C has had N·C/ΣC, and is off by less than 1 request. In
// any window of N requests it is off by less than 2. Picks are O(log n) on average. A pick at
// which k endpoints come due at once, as equal ones do once in n turns, is O(k log n).
//
// While endpoints are closed, the same holds among those that are open. Each endpoint that
// closes or opens shifts the others by what it was ahead or owed, one request at most.
func Capacity(o CapacityOptions) balancer.Builder {
	return &capacityBuilder{start: o.Start}
}

type capacityBuilder struct {
	start func() uint64 // nil: turn zero
}

func (b *capacityBuilder) Name() string {
	if b.start != nil {
		return "capacity, random start"
	}
	return "capacity"
}

func (b *capacityBuilder) Build(candidates []balancer.Candidate) balancer.Picker {
	p := newSchedule(candidates, proportions(candidates))
	if b.start != nil {
		startAt(p.accounts, float64(b.start()%rebaseAfter))
		p.arrange()
	}
	return p
}
