// A snapshot: one immutable view of a pool.

package balancer

// Snapshot is one immutable view of a pool. It may be read from any goroutine for as
// long as one likes; nobody may write to it.
type Snapshot struct {
	Upstream string
	Policy   string // the policy's name, "" before the first Apply
	Version  uint64 // how many snapshots the pool had published before this one
	// Panicking says that ejections are ignored, since too few endpoints would be eligible.
	Panicking bool
	// Endpoints has every endpoint of the pool, eligible or not, in configured order.
	Endpoints []EndpointState

	seats *seats // nil when nothing is eligible; what is in there is guarded by Pool.pick
}

// Note returns what the policy has to say of how it shares at present; mostly "".
func (s *Snapshot) Note() string {
	if s.seats == nil || s.seats.guard.noter == nil {
		return ""
	}
	return s.seats.guard.noter.Note()
}

// EndpointState is what a snapshot says of one endpoint.
type EndpointState struct {
	Endpoint *Endpoint
	// Base is the capacity that the pool was told: the configured one, or what was measured
	// instead. Capacity is the one in force, by which the policy shares; so far it is always
	// the base.
	Base, Capacity float64
	// Share is Capacity over the sum of the eligible ones, 0 to 1; 0 when not eligible.
	Share float64
	// Slots is how many requests the server works on at once: the least number that any pool
	// which names it says; 0 for no limit.
	Slots      int
	Eligible   bool
	Conditions Condition
	Reasons    []Reason // one for each condition, oldest first
}

// newSnapshot computes the view of a pool's members. It calls the builder, not the picker,
// and fails with what that panicked with.
func newSnapshot(upstream string, rules ejectionRules, builder Builder, members []*member) (*Snapshot, error) {
	s := &Snapshot{Upstream: upstream, Policy: builder.Name(), Endpoints: make([]EndpointState, len(members))}
	standings := make([]standing, len(members))
	for i, m := range members {
		standings[i] = m.standing
	}
	var eligible []bool
	eligible, s.Panicking = rules.eligible(standings)

	candidates := make([]Candidate, 0, len(members))
	slots := make([]int64, 0, len(members))
	for i, m := range members {
		state := &s.Endpoints[i]
		state.Endpoint, state.Base, state.Capacity = m.endpoint, m.capacity, m.capacity
		state.Slots = int(m.endpoint.load.slots.Load())
		state.Eligible, state.Conditions, state.Reasons = eligible[i], m.standing.set, m.standing.reasons
		if eligible[i] {
			candidates = append(candidates, Candidate{Endpoint: m.endpoint, Capacity: state.Capacity})
			slots = append(slots, int64(state.Slots))
		}
	}
	s.share(candidates)
	if len(candidates) > 0 {
		s.seats = newSeats(builder, candidates, slots)
		return s, s.seats.guard.failure()
	}
	return s, nil
}

// share fills in the shares. Capacities are scaled by the largest, so that no sum of
// finite ones overflows.
func (s *Snapshot) share(candidates []Candidate) {
	largest, sum := 0.0, 0.0
	for _, c := range candidates {
		largest = max(largest, c.Capacity)
	}
	for _, c := range candidates {
		sum += c.Capacity / largest
	}
	for i := range s.Endpoints {
		if state := &s.Endpoints[i]; state.Eligible {
			state.Share = state.Capacity / largest / sum
		}
	}
}
