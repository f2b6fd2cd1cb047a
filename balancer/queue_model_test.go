package balancer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// TestQueueKeepsItsPromises runs random histories of a pool beside a model that knows
// nothing of heaps, seats and hand-overs. It goes through those who wait in the order of the
// queue: each must have an endpoint if those before it have left a slot that it may have, and
// must not have one otherwise.
func TestQueueKeepsItsPromises(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range uint64(180) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := newModel(t, seed)
			m.outcomes = outcomes
			for range 400 {
				m.step()
				m.check()
			}
			m.end()
		})
	}
	for _, how := range []string{"bound", "poked", "too late", "panicked", "full", "again", "held back", "patient", "displaced", "on trial"} {
		assert.Greater(t, outcomes[how], 100, how)
	}
	assert.Greater(t, outcomes["tried"], 15)
}

// model is what is expected of the pool.
type model struct {
	t        *testing.T
	rng      *rand.Rand
	pool     *Pool
	clock    *clock
	options  QueueOptions
	poisoned map[*Request]bool // the policy panics instead of placing these
	inFlight map[*Load]int
	known    []*Endpoint // of now and before
	timed    int         // of those, from the first on: of the others nobody knows how fast they are
	leases   []*modelWaiter
	waiting  []*modelWaiter // by arrival
	bound    []*modelWaiter
	came     int            // requests
	usual    dispatch.Mean  // work of them
	outcomes map[string]int // of all models: how often each ending was met
}

// modelWaiter is one request, which may wait more than once.
type modelWaiter struct {
	*Waiter
	lease   Lease
	request *Request
	arrived time.Duration
	number  int           // 0: never given an endpoint, nor waiting
	given   bool          // has been given an endpoint
	long    bool          // as it was when it came to the queue
	units   float64       // its size, then
	allowed time.Duration // MaxWait, as it was when it first came to the queue
	waited  bool
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, rng: rand.New(rand.NewPCG(seed, 11)), pool: NewPool("chat", NewLoads()), clock: new(clock),
		poisoned: map[*Request]bool{}, inFlight: map[*Load]int{},
	}
	m.apply()
	return m
}

func (m *model) step() {
	m.clock.at += time.Duration(m.rng.IntN(300)) * time.Millisecond
	if i, ok := m.any(len(m.known)); ok && m.inFlight[m.known[i].load] == 0 {
		m.known[i].service.Touch(m.clock.at - time.Minute) // nothing was heard of it for long
	}
	m.pool.Recheck() // as a timer may, at any time
	m.check()
	for ; m.timed < len(m.known); m.timed++ {
		m.serviceTime(m.known[m.timed])
	}
	switch op := m.rng.IntN(100); {
	case op < 40:
		m.come(m.newRequest(), m.rng.IntN(2) == 0)
	case op < 65:
		if i, ok := m.any(len(m.leases)); ok {
			w := m.leases[i]
			m.leases = slices.Delete(m.leases, i, i+1)
			m.inFlight[w.lease.endpoint.load]--
			w.lease.Release(Outcome{Class: min(OutcomeClass(m.rng.IntN(3)), Answered), Status: 500}) // which nothing is measured by
			if m.rng.IntN(3) == 0 && !m.poisoned[w.request] {                                        // and it is repeated elsewhere
				m.check()
				w.request.Exclude = append(w.request.Exclude, w.lease.endpoint)
				m.come(w, m.rng.IntN(2) == 0)
			}
		}
	case op < 80:
		if i, ok := m.any(len(m.bound)); ok {
			m.bound[i].lease = wait(m.t, m.bound[i].Waiter)
			m.leases = append(m.leases, m.bound[i])
			m.bound[i].Recycle()
			m.bound = slices.Delete(m.bound, i, i+1)
		}
	case op < 84:
		if i, ok := m.any(len(m.waiting)); ok {
			m.waiting[i].Poke()
			m.left(i, "poked")
		}
	case op < 87:
		if i, ok := m.any(len(m.waiting)); ok {
			m.waiting[i].expire()
			m.left(i, "too late")
		}
	case op < 90:
		if i, ok := m.any(len(m.bound)); ok {
			w := m.bound[i]
			m.inFlight[w.endpoint.load]--
			w.Poke()
			_, err := w.Wait()
			require.ErrorIs(m.t, err, ErrPoked)
			m.bound = slices.Delete(m.bound, i, i+1)
		}
	case op < 97:
		i, _ := m.any(len(m.pool.Snapshot().Endpoints))
		c := []Condition{Draining, Draining, ProbeFailed, Ejected}[m.rng.IntN(4)]
		_, err := m.pool.SetCondition(at(m.pool, i).name, c, m.rng.IntN(2) == 0, "")
		require.NoError(m.t, err)
	default:
		m.apply()
	}
}

func (m *model) any(n int) (int, bool) {
	if n == 0 {
		return 0, false
	}
	return m.rng.IntN(n), true
}

// apply puts random endpoints, slots and options in force.
func (m *model) apply() {
	list := slotted(5, 0)[m.rng.IntN(3):]
	for i := range list {
		list[i].Slots = 1 + m.rng.IntN(3)
		if m.rng.IntN(20) == 0 {
			list[i].Slots = 0
		}
	}
	before := m.options
	m.options = QueueOptions{Order: min(Order(m.rng.IntN(4)), ShortestFirst), MaxRequests: m.rng.IntN(20), MaxWait: time.Duration(1+m.rng.IntN(20)) * time.Second}
	policy := moody{turns{fmt.Sprint("moody", m.rng.IntN(2))}, m.poisoned}
	o := Options{Policy: policy, Queue: m.options, Now: m.clock.now, MaxEjectedRatio: 0.5, PanicRatio: 0.25, SlowStart: time.Minute}
	require.NoError(m.t, m.pool.Apply(o, list))
	m.pool.prove()
	for _, e := range m.pool.Snapshot().Endpoints {
		if !slices.Contains(m.known, e.Endpoint) {
			m.known = append(m.known, e.Endpoint)
		}
	}
	for _, w := range m.waiting {
		if m.options != before {
			w.long, w.units = m.isLong(w), m.size(w)
		}
	}
}

func (m *model) newRequest() *modelWaiter {
	r := &Request{Work: float64(m.rng.IntN(5))}
	if m.rng.IntN(8) == 0 {
		r.Work = 1000
	}
	if m.rng.IntN(3) == 0 {
		r.Priority = uint8(m.rng.IntN(10))
	}
	for range max(0, m.rng.IntN(6)-2) {
		r.Exclude = append(r.Exclude, m.known[m.rng.IntN(len(m.known))])
	}
	if m.rng.IntN(20) == 0 {
		r.Exclude = slices.Clone(m.known)
	}
	m.poisoned[r] = m.rng.IntN(20) == 0
	return &modelWaiter{request: r}
}

// serviceTime makes an endpoint slow, fast, or such that nobody knows.
func (m *model) serviceTime(e *Endpoint) {
	times := []float64{0, 0.0113, 0.0517, 0.1003, 0.2011, 1.0317, 4.0701} // no ties, which round in two ways
	took, silent := time.Duration(times[m.rng.IntN(len(times))]*float64(time.Second)), e.service.Silent(m.clock.at)
	e.service = dispatch.Service{}
	for range dispatch.Tuned.ServiceKnown {
		if took > 0 {
			e.service.Learn(took, 1, false)
		}
	}
	e.service.Touch(m.clock.at - silent)
}

// come lets a request come: by Acquire first, or to the queue at once.
func (m *model) come(w *modelWaiter, first bool) {
	r := w.request
	if w.number == 0 {
		m.came++
		w.number = m.came
	}
	if first && !w.given && m.options.Order.BySize() {
		m.arrives(r.Work)
	}
	allowed, free := m.servable(r, false)
	switch {
	case free == nil || len(m.waiting) >= m.options.MaxRequests:
	case m.isLong(w) && m.oneIsFree():
		free = nil
	case m.patience(r, m.size(w), m.before(r), false) == 0:
	case m.stale(free) != nil:
		free = m.stale(free)
		m.outcomes["tried"]++
	default:
		free = nil
	}
	switch {
	case free != nil && m.poisoned[r]:
		if first {
			require.Panics(m.t, func() { _, _ = m.pool.Acquire(r) })
		}
		require.Panics(m.t, func() { _, _ = m.pool.Enqueue(r) })
		return
	case first:
		lease, err := m.pool.Acquire(r)
		if free != nil {
			require.NoError(m.t, err)
			m.takes(lease.endpoint, free)
			w.lease, w.given = lease, true
			m.leases = append(m.leases, w)
			return
		}
		require.ErrorIs(m.t, err, refusal(allowed))
	}
	var err error
	w.Waiter, err = m.pool.Enqueue(r)
	switch {
	case free != nil:
		require.NoError(m.t, err)
		m.takes(w.endpoint, free)
		w.given = true
		m.bound = append(m.bound, w)
	case !allowed:
		require.ErrorIs(m.t, err, ErrNoEndpoint)
	case len(m.waiting) >= m.options.MaxRequests && !(w.given && m.options.MaxRequests > 0):
		i := m.lowest(r.Priority)
		if i < 0 {
			require.ErrorIs(m.t, err, ErrQueueFull)
			m.outcomes["full"]++
			return
		}
		require.NoError(m.t, err)
		m.left(i, "displaced")
		m.waits(w)
	default:
		require.NoError(m.t, err)
		m.waits(w)
	}
}

func (m *model) arrives(work float64) {
	if m.usual.Seen >= dispatch.Tuned.UsualKnown {
		work = min(work, dispatch.Tuned.MostUsual*m.usual.Value)
	}
	if work > 0 {
		m.usual.Learn(work, dispatch.Tuned.UsualHorizon)
	}
}

// waits puts the request into the queue, where it was before.
func (m *model) waits(w *modelWaiter) {
	if !w.waited { // then nobody knows when it came
		w.arrived = m.clock.at
	}
	for _, other := range m.waiting {
		if other.number > w.number {
			w.arrived = min(w.arrived, other.arrived)
		}
	}
	for _, other := range m.waiting {
		if other.number < w.number {
			other.arrived = min(other.arrived, w.arrived)
		}
	}
	if w.given {
		m.outcomes["again"]++
	}
	if !w.waited {
		w.allowed = m.options.MaxWait
	}
	w.waited, w.long, w.units = true, m.isLong(w), m.size(w)
	m.waiting = append(m.waiting, w)
}

func refusal(allowed bool) error {
	if allowed {
		return ErrFull
	}
	return ErrNoEndpoint
}

// takes counts a request at the endpoint that it got, which must be one of the free ones.
func (m *model) takes(e *Endpoint, free []*Endpoint) {
	require.Contains(m.t, free, e)
	m.inFlight[e.load]++
}

// left ends one who waits.
func (m *model) left(i int, how string) {
	_, err := m.waiting[i].Wait()
	require.Error(m.t, err)
	m.waiting = slices.Delete(m.waiting, i, i+1)
	m.outcomes[how]++
}

// check compares the pool with the model after a step.
func (m *model) check() {
	order := slices.SortedFunc(slices.Values(m.waiting), m.compare)
	ahead := 0
	for _, w := range order {
		_, free := m.servable(w.request, true)
		switch {
		case free == nil:
			require.Equal(m.t, waiting, w.fate.Load(), "nothing it may have is free")
			ahead++
			continue
		case w.long && m.clock.at < m.limit(w) && len(m.waiting) <= dispatch.Tuned.MostHeldBack && m.oneIsFree():
			m.isHeld(w, "held back", m.limit(w))
			ahead++
			continue
		case m.clock.at < min(m.limit(w), w.arrived+m.patience(w.request, w.units, ahead, true)):
			m.isHeld(w, "patient", min(m.limit(w), w.arrived+m.patience(w.request, w.units, ahead, true)))
			ahead++
			continue
		case m.poisoned[w.request]:
			require.Equal(m.t, panicked, w.fate.Load())
			require.Panics(m.t, func() { _, _ = w.Wait() })
			m.outcomes["panicked"]++
		default:
			require.True(m.t, w.Bound(), "one is free that nobody before it could have")
			m.takes(w.endpoint, free)
			w.given = true
			m.bound = append(m.bound, w)
			m.outcomes["bound"]++
		}
		m.waiting = slices.DeleteFunc(m.waiting, func(other *modelWaiter) bool { return other == w })
	}
	require.Equal(m.t, len(m.waiting), m.pool.Queue().Waiting)
	for load, n := range m.inFlight {
		require.Equal(m.t, int64(n), load.InFlight())
	}
}

// end ends all leases and waiters.
func (m *model) end() {
	for _, e := range m.pool.Snapshot().Endpoints {
		for _, c := range []Condition{Draining, ProbeFailed, Ejected} {
			_, err := m.pool.SetCondition(e.Endpoint.name, c, false, "")
			require.NoError(m.t, err)
			m.check()
		}
	}
	for len(m.leases)+len(m.bound) > 0 {
		for _, w := range m.bound {
			w.lease = wait(m.t, w.Waiter)
			m.leases = append(m.leases, w)
		}
		m.bound = nil
		for len(m.leases) > 0 {
			w := m.leases[0]
			m.leases = m.leases[1:]
			m.inFlight[w.lease.endpoint.load]--
			w.lease.Release(Outcome{})
			m.check()
		}
	}
	for i := len(m.waiting) - 1; i >= 0; i-- { // who excludes every endpoint there is
		m.waiting[i].Poke()
		m.left(i, "poked")
	}
	assertIdle(m.t, m.pool)
}
