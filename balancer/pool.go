// The pool: one upstream's endpoints, and picking among them.

package balancer

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// Pool is the runtime owner of one upstream's endpoints. All methods may be called from
// any goroutine.
type Pool struct {
	name  string
	loads *Loads

	mu        sync.Mutex    // guards the fields down to ramp; never taken by Acquire
	options   Options       // zero before the first Apply
	members   []*member     // in configured order
	changes   uint64        // made so far
	published uint64        // how many of them the snapshot shows
	marked    []Transition  // by SetCondition, and not in force yet
	dropped   bool          // the Loads were given back, after Retire
	first     time.Duration // by the pool's clock, when the first of its members began
	ramp      *time.Timer   // publishes the next step of ramps; nil before the first

	retired atomic.Bool // written by Retire

	pick     sync.Mutex               // guards the seats of the snapshot, with them the picker, and the queue: held for one pick or release, and for the hand-over to their successors
	snapshot atomic.Pointer[Snapshot] // never nil; written by publish, holding mu and pick
	queue    queue                    // guarded by pick
	panics   [panicCount]panicState   // guarded by pick; written by notePanic
	notices  notices
	learned  cost.Upstream // has a lock of its own
	waiters  sync.Pool     // of *Waiter; not shared with other pools, because a Waiter stays its pool's
}

// NewPool returns a pool without endpoints. Pools that may name the same servers share one Loads.
func NewPool(name string, loads *Loads) *Pool {
	p := &Pool{name: name, loads: loads}
	p.snapshot.Store(&Snapshot{Upstream: name})
	p.learned.Begin()
	return p
}

// Learned is what is learned of all requests of the upstream.
func (p *Pool) Learned() *cost.Upstream { return &p.learned }

// Name returns the upstream's name.
func (p *Pool) Name() string { return p.name }

// Snapshot returns the view in force. It never returns nil.
func (p *Pool) Snapshot() *Snapshot { return p.snapshot.Load() }

// Acquire picks an endpoint and counts one request in flight there, in one step, until the
// lease is released. It never waits: it fails at once with ErrNoEndpoint or ErrFull, and after
// ErrFull the request may Enqueue. It gives no endpoint that somebody who waits could have,
// except one who is held back. It does not allocate. A nil request asks for nothing special.
func (p *Pool) Acquire(r *Request) (Lease, error) {
	t, size, trial, err := p.reserve(r)
	if err != nil {
		raise(err)
		return Lease{}, err
	}
	t.endpoint.load.tell(t.endpoint)
	return newLease(t, size, trial), nil
}

// reserve returns the picked endpoint with the request counted, its size, and the number of the
// endpoint's trial in which it is counted.
func (p *Pool) reserve(r *Request) (t taken, size float64, trial uint32, err error) {
	p.pick.Lock()
	defer p.pick.Unlock()
	if p.retired.Load() {
		p.catchUp(false)
	}
	q, s := &p.queue, p.snapshot.Load().seats
	q.arrive(r)
	if q.readsAhead(s) {
		t, _, err = q.sendOrHold(r, s)
	} else if q.keepsOut(r, s) {
		s.refuse(r)
		return taken{}, 0, 0, ErrFull
	} else {
		defer s.unmask()
		t, err = s.take(r, false)
	}
	if s == nil && q.holds() {
		err = ErrFull
	}
	if err != nil {
		return taken{}, 0, 0, err
	}
	if r != nil && r.place.number == 0 {
		r.place.number = q.number()
	}
	return t, q.measured(r, s), t.endpoint.trial.number.Load(), nil
}

// hear notes how many requests are in flight at the endpoint's server now, and gives slots
// that are free there to those who wait. It reports whether it gave any. Load.tell calls it.
func (p *Pool) hear(e *Endpoint) (given bool) {
	p.pick.Lock()
	defer p.pick.Unlock()
	if e.seat == unseated {
		return false
	}
	s := p.snapshot.Load().seats
	waitedFor := s.obstacles[e.seat] != 0 || p.queue.heldUntil != 0 || p.queue.readsAhead(s)
	s.tell(e.seat)
	return waitedFor && s.obstacles[e.seat] == 0 && p.serveWaiting(e)
}

// Apply sets the pool's options and its endpoints. An endpoint whose name, URL and Via were
// there before stays the same Endpoint, with its conditions, its load and what the policy
// knows of it. An update that is equal to what is in force changes nothing. One that is empty
// or invalid is refused whole.
func (p *Pool) Apply(o Options, endpoints []EndpointOptions) error {
	if err := validate(o, endpoints); err != nil {
		return fmt.Errorf("apply endpoints of upstream %q: %w", p.name, err)
	}
	change, gone, err := p.replace(o, endpoints)
	if err != nil {
		return fmt.Errorf("apply endpoints of upstream %q: %w", p.name, err)
	}
	p.publish(change)
	refresh(p.loads.drop(gone)) // only now: the snapshot before still needed them
	return nil
}

// SetCondition switches one condition of the named endpoint, and reports whether that changed
// anything. The change is in force when it returns. Reason is for people; it is the one of the
// call that switched the condition on.
func (p *Pool) SetCondition(endpoint string, c Condition, on bool, reason string) (changed bool, err error) {
	if !c.single() {
		return false, fmt.Errorf("set condition of endpoint %q: %q may not be set so", endpoint, c)
	}
	change, changed, err := p.mark(endpoint, c, on, reason)
	if err != nil {
		return false, fmt.Errorf("set condition of endpoint %q: %w", endpoint, err)
	}
	p.publish(change)
	if changed && c == ProbeFailed && !on {
		p.probed(endpoint)
		p.notices.tell()
	}
	return changed, nil
}

// probed ends an outage of the named endpoint: its probe has just connected to it.
func (p *Pool) probed(endpoint string) {
	for _, s := range p.Snapshot().Endpoints {
		if s.Endpoint.name == endpoint {
			p.reached(s.Endpoint)
		}
	}
}
