package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// CapacityOptions tune the policy capacity.
type CapacityOptions struct {
	// Start, when it is not nil, is asked once for each picker without a predecessor for
	// the turn it starts at, as if that many requests had been shared before. With random
	// answers (rand.Uint64) replicas that see the same traffic do not march in step; the
	// bound from the start is then 2 instead of 1.
	Start func() uint64
}

// Capacity returns the policy that shares requests in exact proportion to capacity, as
// Tijdeman's chairman assignment does (Discrete Mathematics 32, 1980). Of N requests since
// turn zero an endpoint of capacity C has had N·C/ΣC, give or take less than 1; in any
// window of N give or take less than 2. Picks are O(log n) on average; a pick at which k
// endpoints come due together, as equal ones do once each n turns, is O(k log n).
//
// While endpoints are closed, the same holds among those that are open; each that closes
// or opens displaces the others by what it takes along or brings, one request at most.
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
