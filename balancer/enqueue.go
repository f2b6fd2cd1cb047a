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
	// HeldUntil is when, by the pool's clock, the first of those who wait though a slot is
	// free will have it; 0 where there are none.
	HeldUntil time.Duration
}

// RetryAfter returns when those who wait will have been served; for as long as nobody
// ever was, when the last of them gives up, who waits for maxWait at most. Where none
// waits it is soon. It is 1 s to 60 s.
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

// Enqueue lets a request wait that Acquire found no slot for; where one was freed
// meanwhile it is bound at once. A request that was given an endpoint before, and failed
// there, goes back to the place where it was: before all who came after it, also when as
// many wait as may, and its MaxWait goes on. It fails with a *QueueFull, and with
// ErrNoEndpoint. It does not allocate for as long as Waiters are recycled. The request
// must stay as it is until Wait returns.
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

// admit returns a waiter that is in the queue, or bound; and the endpoints that may have been
// given to it or to others who wait.
func (p *Pool) admit(r *Request) (w *Waiter, given []*Endpoint, err error) {
	p.pick.Lock()
	defer p.pick.Unlock()
	if p.retired.Load() {
		p.catchUp(true)
	}
	q := &p.queue
	s := p.snapshot.Load().seats
	kept := q.keepsOut(r, s)
	if !kept {
		e, err := s.takeAgain(r)
		s.unmask()
		if err == nil {
			w = p.newWaiter(r)
			w.size = q.measured(r, s)
			if r != nil && r.place.number == 0 {
				r.place.number = q.number()
			}
			w.bind(e)
			return w, s.endpoints[e.seat : e.seat+1], nil
		}
		if !errors.Is(err, ErrFull) {
			return nil, nil, err
		}
	}
	returns := r != nil && r.place.number > 0 && q.options.MaxRequests > 0
	if q.length >= q.options.MaxRequests && !returns {
		return nil, nil, &QueueFull{Limit: q.options.MaxRequests, RetryAfter: q.state().RetryAfter(q.options.MaxWait)}
	}
	w = p.newWaiter(r)
	q.add(w)
	if (kept || q.heldUntil != 0) && p.serveWaiting(nil) { // with one more who waits, one may begin that was held back
		given = s.endpoints
	}
	return w, given, nil
}

// newWaiter returns a waiter for the request that is not in the queue yet.
func (p *Pool) newWaiter(r *Request) *Waiter {
	w, _ := p.waiters.Get().(*Waiter)
	if w == nil {
		w = &Waiter{pool: p, done: make(chan struct{}, 1)}
	}
	w.request, w.maxWait = r, p.queue.options.MaxWait
	w.fate.Store(waiting)
	return w
}

// serveWaiting gives the open seats to those who wait, in their order: to each the one
// that the policy picks for it. Afterwards no seat is open that anybody who waits could
// have, but for those who are held back, so that nobody who comes can overtake others. Freed is
// the one endpoint that may have become open, or nil when others may have too. It reports
// whether any seat was given. The caller holds pick.
func (p *Pool) serveWaiting(freed *Endpoint) (given bool) {
	q, s := &p.queue, p.snapshot.Load().seats
	q.heldUntil = 0
	if q.length == 0 || s == nil || s.open == 0 {
		return false
	}
	now := q.now()
	if q.age(now); s.open > 1 {
		freed = nil // who was held back beside another slot may have that one now
	}
	for w := q.first(); w != nil && s.open > 0; w = q.first() {
		if freed != nil && w.request.excludes(freed) || q.holdsBack(w, s, len(q.aside), now) {
			q.setAside()
			continue
		}
		e, err := s.offer(w.request)
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
			w.bind(e)
			given = true
		}
	}
	q.restore()
	q.setTimer(now)
	return given
}

// setTimer makes recheck come when the first of those held back is to be looked at again.
func (q *queue) setTimer(now time.Duration) {
	switch left := q.heldUntil - now; {
	case q.heldUntil == 0 || q.recheck == nil:
	case q.timer == nil:
		q.timer = time.AfterFunc(left, q.recheck)
	default:
		q.timer.Reset(left)
	}
}

// Recheck gives those their slots who were held back beside them for long enough. A pool with
// a clock of its own (Options.Now) must be told to, at QueueState.HeldUntil; others do so
// by themselves.
func (p *Pool) Recheck() { p.update(func(*seats) {}) }
