package balancer

import (
	"sync/atomic"
	"time"
)

// Waiter is one request in a pool's queue, from Enqueue to the end of Wait, which must be
// called once by whoever called Enqueue.
type Waiter struct {
	pool    *Pool
	request *Request      // the caller's, who waits
	maxWait time.Duration // from its arrival, as the options were then
	until   time.Duration // when that is over, by the pool's clock; written before it waits
	size    float64       // of its request, in units of the usual one; read by Wait once it is bound

	fate       atomic.Uint32 // what became of it; from waiting it is changed under Pool.pick only
	endpoint   *Endpoint     // once bound; written before fate
	retryAfter time.Duration // once too late; written before fate
	failure    error         // once a policy panicked over it; written before fate
	done       chan struct{} // has room for the one signal that is given when it no longer waits
	timer      *time.Timer   // calls expire; nil before it was needed first; only Wait touches it
	spent      bool          // the timer may still call: not to be used again; written by Wait

	// Guarded by Pool.pick; they belong to the queue.
	arrived        time.Duration // by the pool's clock; no later than anybody's with a higher number
	number         uint64        // counts arrivals, from 1
	key            float64       // what it is ordered by, before number
	place          int           // in the queue's line
	long           bool          // it may be held back; never once it has aged
	older, younger *Waiter
}

// What may become of a waiter.
const (
	waiting  uint32 = iota
	bound           // to an endpoint, where it is counted
	poked           // before it was bound, or Wait had seen that it was
	tooLate         // MaxWait passed
	panicked        // a policy did, while it picked for this request
	ended           // Wait has returned
)

// Wait blocks until the request is bound to an endpoint, and returns the lease. It fails
// with ErrPoked after Poke and with a *WaitedTooLong after MaxWait. A policy that panics
// over this request makes Wait panic.
func (w *Waiter) Wait() (Lease, error) {
	timed := w.fate.Load() == waiting && w.setTimer()
	<-w.done
	if timed && !w.timer.Stop() {
		w.spent = true
	}
	if w.pool.retired.Load() {
		w.pool.leave()
	}
	if w.fate.CompareAndSwap(bound, ended) {
		return newLease(w.endpoint, w.size), nil
	}
	switch w.fate.Swap(ended) {
	case tooLate:
		return Lease{}, &WaitedTooLong{Limit: w.maxWait, RetryAfter: w.retryAfter}
	case panicked:
		raise(w.failure)
	}
	return Lease{}, ErrPoked
}

// setTimer makes expire come when MaxWait has passed since the arrival, or calls it where
// it has: then it needs no timer.
func (w *Waiter) setTimer() bool {
	left := w.until - w.pool.queue.now()
	switch {
	case left <= 0:
		w.expire()
		return false
	case w.timer == nil:
		w.timer = time.AfterFunc(left, w.expire)
	default:
		w.timer.Reset(left)
	}
	return true
}

// Bound reports whether an endpoint is bound: Wait would return its lease at once.
func (w *Waiter) Bound() bool { return w.fate.Load() == bound }

// Poke takes the request out of the queue at once and lets Wait return ErrPoked. An
// endpoint that was bound to it in that very moment is handed on. It may be called from
// any goroutine and any number of times; once Wait has returned it does nothing. It waits
// for locks only: its pool's, and where it hands on those of all pools that name the
// server, each of which may be held for milliseconds while a snapshot of thousands of
// endpoints is put in force.
func (w *Waiter) Poke() {
	if w.leave(poked) {
		return
	}
	e := w.endpoint
	if w.fate.CompareAndSwap(bound, poked) {
		if e.Unreachable() {
			e.pool.attempted(e, Unknown, e.outage.pauses.Load())
		}
		e.load.remove()
		e.load.tell(nil)
		e.pool.notices.tell()
	}
}

// expire is called by the timer. What is bound already stays bound.
func (w *Waiter) expire() { w.leave(tooLate) }

// leave takes the request out of the queue, if it is there.
func (w *Waiter) leave(fate uint32) bool {
	p := w.pool
	p.pick.Lock()
	defer p.pick.Unlock()
	if w.fate.Load() != waiting {
		return false
	}
	if fate == tooLate {
		w.retryAfter = p.queue.state().RetryAfter(w.maxWait)
	}
	p.queue.remove(w, p.queue.now())
	w.end(fate)
	return true
}

// keepPlace lets the request remember how it has waited. The caller holds Pool.pick.
func (w *Waiter) keepPlace() {
	if w.request != nil {
		w.request.place = place{number: w.number, arrived: w.arrived, until: w.until, maxWait: w.maxWait}
	}
}

// bind gives the endpoint, where the request is counted, to the waiter.
func (w *Waiter) bind(e *Endpoint) {
	w.endpoint = e
	w.end(bound)
}

// abandon makes Wait panic as the policy did, in place of whoever happened to free the slot.
func (w *Waiter) abandon(failure *policyPanic) {
	w.failure = failure
	w.end(panicked)
}

// end says what became of a waiter that is in the queue no longer. The caller holds
// Pool.pick: the signal has room and does not block.
func (w *Waiter) end(fate uint32) {
	w.fate.Store(fate)
	w.done <- struct{}{}
}

// Recycle lets the pool use the Waiter for a later request, which saves the garbage.
// Wait must have returned, and nobody may call Poke any more.
func (w *Waiter) Recycle() {
	if w.spent || w.fate.Load() != ended {
		return
	}
	w.request, w.endpoint = nil, nil
	w.pool.waiters.Put(w)
}
