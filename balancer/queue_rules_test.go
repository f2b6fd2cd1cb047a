package balancer

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// What the model expects of one request: where it might begin, when it is its turn, and whether
// it is held back.

// servable returns the endpoints at which the request might begin now. It reports whether there
// are any for it, full or not. Waits says that the request waits already.
func (m *model) servable(r *Request, waits bool) (allowed bool, free []*Endpoint) {
	var closed []*Endpoint // to more trials
	full := false
	for _, e := range m.pool.Snapshot().Endpoints {
		if !e.Eligible || r.excludes(e.Endpoint) {
			continue
		}
		allowed = true
		switch {
		case e.Slots > 0 && m.inFlight[e.Endpoint.load] >= m.slots(e):
			full = full || !m.tried(e)
		case m.tried(e):
			closed = append(closed, e.Endpoint)
		default:
			free = append(free, e.Endpoint)
		}
	}
	if free == nil && !full && !waits && (m.options.MaxRequests == 0 || m.unbounded()) {
		free = closed
	}
	return allowed, free
}

// slots is how many requests the endpoint may have in its ramp.
func (m *model) slots(e EndpointState) int { return int(math.Ceil(float64(e.Slots) * e.Ramp)) }

// unbounded reports whether no endpoint has slots, so that nobody can wait.
func (m *model) unbounded() bool {
	return !slices.ContainsFunc(m.pool.Snapshot().Endpoints, func(e EndpointState) bool { return e.Eligible && e.Slots > 0 })
}

// tried reports whether as many requests as may are trying the endpoint.
func (m *model) tried(e EndpointState) bool {
	if e.Trial == 0 {
		return false
	}
	number, trying := e.Endpoint.trial.number.Load(), 0
	for _, w := range m.leases {
		if w.lease.endpoint == e.Endpoint && w.lease.trial == number {
			trying++
		}
	}
	for _, w := range m.bound {
		if w.endpoint == e.Endpoint && w.Waiter.trial == number {
			trying++
		}
	}
	if trying >= e.Trial {
		m.outcomes["on trial"]++
	}
	return trying >= e.Trial
}

// isLong reports whether a request has to leave the last free slot to others.
func (m *model) isLong(w *modelWaiter) bool {
	return m.size(w) > dispatch.Tuned.LongWork
}

// size is the work of the request in units of the usual one.
func (m *model) size(w *modelWaiter) float64 {
	if m.options.Order.BySize() && m.usual.Seen >= dispatch.Tuned.UsualKnown && w.request.Work > 0 {
		return w.request.Work / m.usual.Value
	}
	return 1
}

// patience is for how long a request, with so many ahead of it, waits for an endpoint that is
// faster than any that is free; 0 where it does not.
func (m *model) patience(r *Request, size float64, ahead int, waits bool) time.Duration {
	here, there, released := math.Inf(1), math.Inf(1), 0.0
	_, free := m.servable(r, waits)
	for _, e := range free {
		here = min(here, e.service.Seconds(true))
	}
	for _, e := range m.pool.Snapshot().Endpoints {
		seconds := e.Endpoint.service.Seconds(true)
		if !e.Eligible || r.excludes(e.Endpoint) || slices.Contains(free, e.Endpoint) || m.tried(e) || seconds == 0 || seconds >= here {
			continue
		}
		silent := e.Endpoint.service.Silent(m.clock.at)
		there, released = min(there, seconds), released+min(float64(m.slots(e))/seconds, dispatch.Tuned.Overdue/silent.Seconds())
	}
	if free == nil || released == 0 || ahead >= dispatch.Tuned.MostPatient || size*here <= dispatch.Tuned.MuchFaster*(float64(ahead+1)/released+size*there) {
		return 0
	}
	return time.Duration(dispatch.Tuned.Stake * size * (here - there) * float64(time.Second))
}

// stale returns the endpoints whose service time is stale.
func (m *model) stale(free []*Endpoint) (stale []*Endpoint) {
	for _, e := range free {
		seconds := e.service.Seconds(false)
		if seconds > 0 && e.service.Silent(m.clock.at) > time.Duration(dispatch.Tuned.StaleAfter*seconds*float64(time.Second)) {
			stale = append(stale, e)
		}
	}
	return stale
}

// limit is the time from which on a request that waits is no longer held back.
func (m *model) limit(w *modelWaiter) time.Duration {
	return w.arrived + min(w.allowed, m.options.MaxWait)/2 + 1
}

// oneIsFree reports whether exactly one slot is free, and there are enough in all.
func (m *model) oneIsFree() bool {
	free, total := 0, 0
	for _, e := range m.pool.Snapshot().Endpoints {
		switch {
		case !e.Eligible:
			continue
		case e.Slots == 0 || e.Endpoint.OnTrial(): // which may be closed to more trials
			return false
		}
		total += m.slots(e)
		free += m.slots(e) - min(m.inFlight[e.Endpoint.load], m.slots(e))
	}
	return free == 1 && total >= int(dispatch.Tuned.FewestSlots)
}

func (m *model) hasAged(w *modelWaiter) bool { return m.clock.at-w.arrived > m.options.MaxWait/2 }

// before returns how many a request that comes will not overtake.
func (m *model) before(r *Request) (n int) {
	for _, w := range m.waiting {
		if w.request.Priority < r.Priority {
			continue
		}
		if w.request.Priority > r.Priority || !m.options.Order.BySize() || m.hasAged(w) || w.request.Work <= r.Work {
			n++
		}
	}
	return n
}

// compare is the order of the queue as Order promises it.
func (m *model) compare(a, b *modelWaiter) int {
	if higher := cmp.Compare(b.request.Priority, a.request.Priority); higher != 0 {
		return higher
	}
	older := cmp.Compare(a.number, b.number)
	first := a
	if older > 0 {
		first = b
	}
	if m.options.Order == FIFO || m.hasAged(first) {
		return older
	}
	return cmp.Or(cmp.Compare(a.request.Work, b.request.Work), older)
}

// lowest is who is sent away where the queue is full and one of this priority comes: the youngest of the lowest, if that
// is below; or -1.
func (m *model) lowest(priority uint8) int {
	found := -1
	for i, w := range m.waiting {
		if w.request.Priority >= priority {
			continue
		}
		if found < 0 || w.request.Priority < m.waiting[found].request.Priority ||
			w.request.Priority == m.waiting[found].request.Priority && w.number > m.waiting[found].number {
			found = i
		}
	}
	return found
}

// isHeld checks that a request waits beside a free slot, and will be asked about in time.
func (m *model) isHeld(w *modelWaiter, how string, end time.Duration) {
	require.Equal(m.t, waiting, w.fate.Load(), how)
	until := m.pool.Queue().HeldUntil
	if until == 0 && m.pool.snapshot.Load().seats.open == 0 {
		return // those behind it took all that was free, and it was asked about again
	}
	require.Positive(m.t, until)
	require.LessOrEqual(m.t, until, end)
	m.outcomes[how]++
}
