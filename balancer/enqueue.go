package balancer

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

var (
	// ErrQueueFull says that as many requests wait as may; it comes as a *QueueFull.
	ErrQueueFull = errors.New("the queue is full")
	// ErrPoked says that whoever waited was told to leave.
	ErrPoked = errors.New("wait for an endpoint: poked")
)

// QueueFull is the error of a request that may not even wait.
type QueueFull struct {
	Limit      int           // how many requests may wait
	RetryAfter time.Duration // when those who wait will have been served, 1 s to 60 s
}

// Error implements error.
func (e *QueueFull) Error() string {
	return fmt.Sprintf("wait for an endpoint: %v, %d requests may wait", ErrQueueFull, e.Limit)
}

// Unwrap returns ErrQueueFull.
func (e *QueueFull) Unwrap() error { return ErrQueueFull }

// WaitedTooLong is the error of a request that no endpoint had a slot for within MaxWait.
type WaitedTooLong struct {
	Limit      time.Duration // how long it might wait
	RetryAfter time.Duration // when those who wait will have been served, 1 s to 60 s
}

// Error implements error.
func (e *WaitedTooLong) Error() string {
	return fmt.Sprintf("wait for an endpoint: none had a slot within %v", e.Limit)
}

// QueueState is how a queue is doing.
type QueueState struct {
	Waiting   int
	Oldest    time.Duration // how long the oldest has waited; 0 when nobody waits
	DrainRate float64       // requests given an endpoint per second of waiting, lately; 0 while not known
}

var processStart = time.Now()

// processClock is the monotonic time since the process began.
func processClock() time.Duration { return time.Since(processStart) }

// Queue returns how the pool's queue is doing.
func (p *Pool) Queue() QueueState {
	p.pick.Lock()
	defer p.pick.Unlock()
	q := &p.queue
	if q.length == 0 {
		return QueueState{DrainRate: q.drain.rate()}
	}
	now := q.now()
	q.drain.pass(now)
	return QueueState{Waiting: q.length, Oldest: now - q.oldest.arrived, DrainRate: q.drain.rate()}
}

// Enqueue lets a request wait that Acquire found no slot for; where a slot was freed
// meanwhile it is bound at once. It fails with a *QueueFull, and with ErrNoEndpoint. It
// does not allocate for as long as Waiters are recycled. The request must stay as it is
// until Wait returns.
func (p *Pool) Enqueue(r *Request) (*Waiter, error) {
	w, e, err := p.admit(r)
	if e != nil {
		e.load.tell(e)
	}
	return w, err
}

// admit returns a waiter that is in the queue, or bound to the endpoint.
func (p *Pool) admit(r *Request) (*Waiter, *Endpoint, error) {
	p.pick.Lock()
	defer p.pick.Unlock()
	q := &p.queue
	e, err := p.snapshot.Load().seats.takeOpen(r)
	switch {
	case err == nil:
		w := p.newWaiter(r)
		w.bind(e)
		return w, e, nil
	case !errors.Is(err, ErrFull):
		return nil, nil, err
	case q.length >= q.options.MaxRequests:
		if q.length > 0 {
			q.drain.pass(q.now())
		}
		return nil, nil, &QueueFull{Limit: q.options.MaxRequests, RetryAfter: q.drain.retryAfter(q.length, q.options.MaxWait)}
	}
	w := p.newWaiter(r)
	q.add(w, q.now())
	return w, nil, nil
}

// newWaiter returns a waiter for the request that is not in the queue yet.
func (p *Pool) newWaiter(r *Request) *Waiter {
	w, _ := p.waiters.Get().(*Waiter)
	if w == nil {
		w = &Waiter{pool: p, settled: make(chan struct{}, 1)}
	}
	w.request, w.maxWait = r, p.queue.options.MaxWait
	w.fate.Store(waiting)
	return w
}

// serveWaiting gives the open seats to those who wait, in their order: to each the one the
// policy picks for it. Afterwards no seat is open that anybody who waits could have, so
// that nobody who comes can overtake. It reports whether anybody was given one. Where
// freed is not nil it is the only endpoint that may have become open. The caller holds
// pick.
func (p *Pool) serveWaiting(freed *Endpoint) (given bool) {
	q, s := &p.queue, p.snapshot.Load().seats
	if q.length == 0 || s == nil || s.open == 0 {
		return false
	}
	now := q.now()
	q.age(now)
	for w := q.first(); w != nil && s.open > 0; w = q.first() {
		if freed != nil && w.request.excludes(freed) {
			q.setAside()
			continue
		}
		e, err, cause, stack := s.offer(w.request)
		switch {
		case cause != nil:
			q.remove(w, now)
			w.abandon(cause, stack)
		case err == nil:
			q.remove(w, now)
			q.drain.served++
			w.bind(e)
			given = true
		default:
			q.setAside()
		}
	}
	q.restore()
	return given
}

// offer is take for one who waits: a policy that panics must cost the request it was
// asked about, and not whoever happened to free the slot.
func (s *seats) offer(r *Request) (e *Endpoint, err error, cause any, stack []byte) {
	defer func() {
		if cause = recover(); cause != nil {
			stack = debug.Stack()
		}
	}()
	e, err = s.take(r)
	return e, err, nil, nil
}
