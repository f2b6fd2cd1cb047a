// Waiting for a slot, and giving slots to those who wait.

package balancer

import (
	"errors"
	"time"
)

// QueueState is how a pool's queue is doing.
type QueueState struct {
	Waiting   int
	Oldest    time.Duration // how long the oldest has waited; 0 when nobody waits
	DrainRate float64       // requests given an endpoint per second in which some waited, lately; 0 while not known
	// HeldUntil is when the first of those who wait though a slot is free will take it, by the
	// pool's clock; 0 where there are none.
	HeldUntil time.Duration
}

// RetryAfter returns how long it takes until all who wait now will have been served, by the
// rate at which requests were served lately. While no rate is known it is maxWait, when the
// last of them will have given up. It is 1 s to 60 s, and 1 s where nobody waits.
func (s QueueState) RetryAfter(maxWait time.Duration) time.Duration {
	after := maxWait
	switch {
	case s.Waiting == 0:
		return soonestRetry
	case s.DrainRate > 0:
		after = time.Duration(min(float64(s.Waiting)/s.DrainRate, latestRetry.Seconds()) * float64(time.Second))
	}
	return min(max(after, soonestRetry), latestRetry)
}

// Queue returns how the pool's queue is doing.
func (p *Pool) Queue() QueueState {
	p.pick.Lock()
	defer p.pick.Unlock()
	return p.queue.state()
}

// Enqueue lets a request wait that Acquire found no slot for. If a slot was freed meanwhile,
// the request is bound to it at once. A request that had an endpoint before, and failed
// there, gets its old place back: before all that came after it, even if the queue is full,
// and with the MaxWait that is left to it. A full queue takes a request of a higher priority in
// place of the youngest of the lowest. Enqueue fails with a *QueueFull or ErrNoEndpoint.
// It does not allocate as long as Waiters are recycled. The request must not change until
// Wait returns.
func (p *Pool) Enqueue(r *Request) (*Waiter, error) {
	w, given, err := p.admit(r)
	if w == nil && p.retired.Load() {
		p.leave()
	}
	for _, e := range given {
		e.load.tell(e)
	}
	raise(err)
	return w, err
}

// admit is Enqueue under the lock. It returns a waiter, which waits or is bound already, and
// the endpoints that may have been given to it or to others.
func (p *Pool) admit(r *Request) (w *Waiter, given []*Endpoint, err error) {
	p.pick.Lock()
	defer p.pick.Unlock()
	if p.retired.Load() {
		p.catchUp(true)
	}
	q := &p.queue
	s := p.snapshot.Load().seats
	var home *Endpoint
	kept := false
	ahead := q.readsAhead(s)
	if !ahead {
		kept = q.keepsOut(r, s)
	}
	if !kept {
		var t taken
		if ahead {
			t, home, err = q.sendOrHold(r, s)
		} else {
			t, err = s.takeAgain(r)
			s.unmask()
		}
		if err == nil {
			w = p.newWaiter(r)
			w.size = q.measured(r, s)
			if r != nil && r.place.number == 0 {
				r.place.number = q.number()
			}
			w.bind(t)
			seat := t.endpoint.seat
			return w, s.endpoints[seat : seat+1], nil
		}
		if !errors.Is(err, ErrFull) && !(s == nil && q.holds()) {
			return nil, nil, err
		}
	}
	returns := r != nil && r.place.number > 0 && q.options.MaxRequests > 0
	if q.full() && !returns && !q.displace(r.priority()) {
		return nil, nil, &QueueFull{Limit: q.options.MaxRequests, RetryAfter: q.state().RetryAfter(q.options.MaxWait)}
	}
	w = p.newWaiter(r)
	q.add(w)
	if home != nil {
		q.settleAt(w, home, s)
	}
	if (kept || q.heldUntil != 0) && p.serveWaiting(nil) { // one more waits: that may let one go that was held back
		given = s.endpoints
	}
	return w, given, nil
}

// newWaiter returns a waiter for the request. It is not in the queue yet.
func (p *Pool) newWaiter(r *Request) *Waiter {
	w, _ := p.waiters.Get().(*Waiter)
	if w == nil {
		w = &Waiter{pool: p, done: make(chan struct{}, 1)}
	}
	w.request, w.maxWait = r, p.queue.options.MaxWait
	if p.queue.holds() {
		w.maxWait = p.queue.hold
	}
	w.fate.Store(waiting)
	return w
}

// serveWaiting gives the open seats to those who wait, in their order: to each the seat that
// the policy picks for it. Afterwards no seat is open that somebody who waits could have,
// except those who are held back: so nobody who comes can overtake. Freed is the only
// endpoint that may have become open, or nil where others may have, too. It reports whether
// any seat was given. The caller holds pick.
func (p *Pool) serveWaiting(freed *Endpoint) (given bool) {
	q, s := &p.queue, p.snapshot.Load().seats
	q.heldUntil = 0
	if q.length == 0 || s == nil || s.open == 0 {
		return false
	}
	if q.readsAhead(s) {
		return q.serveReaders(s)
	}
	now := q.now()
	if q.age(now); s.open > 1 {
		freed = nil // a slot that was left free before may be wanted now
	}
	for w := q.first(); w != nil && s.open > 0; w = q.first() {
		if freed != nil && w.request.excludes(freed) || q.holdsBack(w, s, len(q.aside), now) {
			q.setAside()
			continue
		}
		t, err := s.offer(w.request)
		failure, failed := err.(*policyPanic)
		switch {
		case failed:
			q.remove(w, now)
			w.abandon(failure)
		case err != nil:
			q.setAside()
		default:
			q.serve(w, now)
			w.keepPlace()
			w.bind(t)
			given = true
		}
	}
	q.restore()
	q.setTimer(now)
	return given
}

// setTimer has recheck called when the first of those held back is to be asked about again.
func (q *queue) setTimer(now time.Duration) {
	switch left := q.heldUntil - now; {
	case q.heldUntil == 0 || q.recheck == nil:
	case q.timer == nil:
		q.timer = time.AfterFunc(left, q.recheck)
	default:
		q.timer.Reset(left)
	}
}

// Recheck gives free slots to those who were held back for long enough. A pool does so by
// itself; but one with a clock of its own (Options.Now) must be told to, at
// QueueState.HeldUntil.
func (p *Pool) Recheck() { p.update(func(*seats) {}) }
