// A snapshot: one immutable view of a pool.

package balancer

import (
	"math"
	"time"
)

// Snapshot is one immutable view of a pool. It may be read from any goroutine for as
// long as one likes; nobody may write to it.
type Snapshot struct {
	Upstream string
	Policy   string // the policy's name, "" before the first Apply
	Version  uint64 // how many snapshots the pool had published before this one
	// Panicking says that ejections are ignored, since too few endpoints would be eligible.
	Panicking bool
	// Short says that less capacity is eligible than Options.PanicRatio asks for.
	Short bool
	// Spilled says that the first tier falls short, so that others are used as well.
	Spilled bool
	// Holding says that nobody is eligible, and that requests wait for those that have still to come (Options.Hold).
	Holding bool
	// Endpoints has every endpoint of the pool, eligible or not, in configured order.
	Endpoints []EndpointState

	wants Wants // of the policy
	// Where there are several tiers: the first of which an endpoint was not away for a moment.
	tiered  bool
	nearest int

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
	// instead. Capacity is the one in force, by which the policy shares: Base times Ramp.
	Base, Capacity float64
	// Comeback is how far the endpoint is on its way back into service.
	Comeback Comeback
	// Ramp is the part of the capacity and of the slots that is in force, above 0 to 1.
	Ramp float64
	// Trial is how many requests at once may try an endpoint that is on trial; 0 for no limit.
	Trial int
	// Share is Capacity over the sum of the eligible ones, 0 to 1; 0 when not eligible.
	Share float64
	// Slots is how many requests the server works on at once: the least number that any pool
	// which names it says; 0 for no limit.
	Slots      int
	Tier       int
	Eligible   bool
	Standby    bool // it would be eligible, but the tiers before its own suffice
	Conditions Condition
	Reasons    []Reason // one for each condition, oldest first
}

// newSnapshot computes the view of a pool's members. It calls the builder, not the picker,
// and fails with what that panicked with.
func newSnapshot(upstream string, o *Options, members []*member, now time.Duration) (*Snapshot, error) {
	s := &Snapshot{Upstream: upstream, Policy: o.Policy.Name(), wants: wantsOf(o.Policy), Endpoints: make([]EndpointState, len(members))}
	var gentle bool
	s.Panicking, gentle = s.judge(o, members)
	for i, m := range members {
		state := &s.Endpoints[i]
		state.Endpoint, state.Base, state.Comeback, state.Ramp, state.Tier = m.endpoint, m.capacity, m.way.at, 1, m.tier
		state.Slots = int(m.endpoint.load.slots.Load())
		state.Conditions, state.Reasons = m.standing.set, m.standing.reasons
		if gentle {
			state.Ramp = m.way.ramp(o.SlowStart, now)
		}
		if state.Capacity = state.Base * state.Ramp; state.Capacity == 0 {
			state.Capacity = state.Base // so small that a part of it is nothing
		}
		if gentle && m.way.at == OnTrial {
			state.Trial = trialSlots
		}
	}
	s.standBy(o.TierSpillRatio)
	s.Holding = o.Hold > 0 && o.Queue.MaxRequests > 0 && s.holds(o.HoldEmpty)
	return s, s.seat(o.Policy)
}

// seat makes the seats of all that are eligible, and fails with what the policy panicked with.
func (s *Snapshot) seat(policy Builder) error {
	candidates := make([]Candidate, 0, len(s.Endpoints))
	slots, trials := make([]int64, 0, len(s.Endpoints)), make([]int64, 0, len(s.Endpoints))
	for i := range s.Endpoints {
		if state := &s.Endpoints[i]; state.Eligible {
			candidates = append(candidates, state.candidate())
			slots = append(slots, int64(math.Ceil(float64(state.Slots)*state.Ramp)))
			trials = append(trials, state.trialSlots())
		}
	}
	s.share(candidates)
	if len(candidates) > 0 {
		s.seats = newSeats(policy, candidates, slots, trials)
		if s.wants.Prompts {
			s.seats.parts = s.parts()
		}
		return s.seats.guard.failure()
	}
	return nil
}

// candidate is the endpoint as a policy sees it.
func (e *EndpointState) candidate() Candidate {
	c := Candidate{Endpoint: e.Endpoint, Capacity: e.Capacity}
	if e.Capacity < e.Base {
		c.Whole = e.Base
	}
	return c
}

// parts returns the whole capacities of all that are eligible, in units of their mean: a server is as fast as it is, however
// little it gets on its way back.
func (s *Snapshot) parts() (parts []float64) {
	largest, sum := 0.0, 0.0
	for i := range s.Endpoints {
		if state := &s.Endpoints[i]; state.Eligible {
			parts = append(parts, state.Base)
			largest = max(largest, state.Base)
		}
	}
	for i := range parts { // scaled, so that no sum of finite ones overflows
		parts[i] /= largest
		sum += parts[i]
	}
	for i := range parts {
		parts[i] *= float64(len(parts)) / sum
	}
	return parts
}

// judge fills in who is eligible. It reports whether ejections had to be ignored, and whether
// enough of the others are warm to be gentle with those that come back.
func (s *Snapshot) judge(o *Options, members []*member) (panicking, gentle bool) {
	standings, capacities := make([]standing, len(members)), make([]float64, len(members))
	for i, m := range members {
		standings[i], capacities[i] = m.standing, m.capacity
	}
	rules := ejectionRules{MaxEjectedRatio: o.MaxEjectedRatio, PanicRatio: o.PanicRatio}
	eligible, panicking := rules.eligible(standings, capacities)
	warm := make([]bool, len(members))
	for i, m := range members {
		s.Endpoints[i].Eligible = eligible[i]
		warm[i] = eligible[i] && m.way.at != OnTrial && m.way.at != Ramping
	}
	s.Short = !rules.enough(eligible, standings, capacities)
	return panicking, rules.enough(warm, standings, capacities)
}

// trialSlots is how many requests may try the endpoint at once; 0 where it is not on trial.
func (e *EndpointState) trialSlots() int64 {
	switch {
	case e.Comeback != OnTrial:
		return 0
	case e.Trial == 0:
		return anyTrialSlots
	}
	return int64(e.Trial)
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
