// One request that waits, until it is bound to an endpoint or gives up.

package balancer

import (
	"sync/atomic"
	"time"
)

// Waiter is one request in a pool's queue, from Enqueue to the end of Wait. Whoever called
// Enqueue must call Wait once.
type Waiter struct {
	pool    *Pool
	request *Request      // the caller's, who waits
	maxWait time.Duration // what the options said at its arrival
	until   time.Duration // when maxWait is over, by the pool's clock; written before it waits
	size    float64       // of its request; read by Wait once it is bound

	fate       atomic.Uint32 // what became of it; from waiting it is changed under Pool.pick only
	taken                    // once bound; written before fate
	trial      uint32        // of the endpoint's, in which it is counted once bound; written before fate
	retryAfter time.Duration // once too late or displaced; written before fate
	failure    error         // once a policy panicked over it; written before fate
	done       chan struct{} // gets one signal, for which it has room, when the request no longer waits
	timer      *time.Timer   // calls expire; nil until it is needed; only Wait touches it
	spent      bool          // the timer may still fire, so that the Waiter must not be used again; written by Wait

	// These belong to the queue: Pool.pick guards them.
	arrived        time.Duration // by the pool's clock; no later than that of any with a higher number
	number         uint64        // counts arrivals, from 1
	priority       uint8         // what it is ordered by first: the highest is served first
	key            float64       // what it is ordered by then, before number
	index          int           // in the queue's line
	home           *Endpoint     // where it had better be read; nil: nowhere yet. Only of a queue that reads ahead
	reads          int64         // work of its prompt there
	long           bool          // it leaves the last free slot to short ones; not once it has aged
	older, younger *Waiter
}

// What may become of a waiter.
const (
	waiting   uint32 = iota
	bound            // to an endpoint, where it is counted
	poked            // before Wait has returned an endpoint
	tooLate          // MaxWait passed
	displaced        // the queue was full, and one of a higher priority came
	panicked         // the policy panicked while it picked for this request
	ended            // Wait has returned
)

// Wait blocks until the request is bound to an endpoint, and returns the lease. It fails with
// ErrPoked after Poke, with a *WaitedTooLong after MaxWait, and with a *Displaced where the queue
// was full and a request of a higher priority came. If the policy panics over this request, Wait
// panics.
func (w *Waiter) Wait() (Lease, error) { return w.WaitDoing(nil, nil) }

// WaitDoing is Wait, and calls do at each tick, on this goroutine and with no lock held. Do must not take long: a request that
// is bound meanwhile keeps its slot unused until do has returned.
func (w *Waiter) WaitDoing(tick <-chan time.Time, do func()) (Lease, error) {
	timed := w.fate.Load() == waiting && w.setTimer()
	for waits := true; waits; {
		select {
		case <-w.done:
			waits = false
		case <-tick:
			do()
		}
	}
	if timed && !w.timer.Stop() {
		w.spent = true
	}
	if w.pool.retired.Load() {
		w.pool.leave()
	}
	if w.fate.CompareAndSwap(bound, ended) {
		return newLease(w.taken, w.size, w.trial), nil
	}
	switch w.fate.Swap(ended) {
	case tooLate:
		return Lease{}, &WaitedTooLong{Limit: w.maxWait, RetryAfter: w.retryAfter}
	case displaced:
		return Lease{}, &Displaced{RetryAfter: w.retryAfter}
	case panicked:
		raise(w.failure)
	}
	return Lease{}, ErrPoked
}

// setTimer has expire called when MaxWait is over. Where it is over already, it calls expire
// at once, and reports that there is no timer.
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

// Poke takes the request out of the queue at once, and lets Wait return ErrPoked. An endpoint
// that it was bound to in that very moment goes to the next. Poke may be called from any
// goroutine, any number of times; once Wait has returned it does nothing. It waits for locks
// only: that of its pool, and if an endpoint goes to the next those of all pools that name the
// server. Each may be held for milliseconds, while a snapshot of thousands of endpoints is put
// in force.
func (w *Waiter) Poke() {
	if w.leave(poked) {
		return
	}
	e := w.endpoint
	if w.fate.CompareAndSwap(bound, poked) {
		if w.trial != 0 || e.Unreachable() {
			e.pool.attempted(e, &Outcome{}, e.outage.pauses.Load(), w.trial)
		}
		w.giveBack()
		e.load.remove()
		e.load.tell(nil)
		e.pool.notices.tell()
	}
}

// expire is called by the timer. A request that is bound already stays bound.
func (w *Waiter) expire() { w.leave(tooLate) }

// leave takes the request out of the queue, and reports whether it was still there.
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

// keepPlace lets the request remember its place in the queue. The caller holds Pool.pick.
func (w *Waiter) keepPlace() {
	if w.request != nil {
		w.request.place = place{number: w.number, arrived: w.arrived, until: w.until, maxWait: w.maxWait}
	}
}

// bind gives the waiter its endpoint, at which the request is counted already.
func (w *Waiter) bind(t taken) {
	w.taken, w.trial = t, t.endpoint.trial.number.Load()
	w.end(bound)
}

// abandon makes Wait panic as the policy did, in place of whoever happened to free the slot.
func (w *Waiter) abandon(failure *policyPanic) {
	w.failure = failure
	w.end(panicked)
}

// end says what became of a waiter that has left the queue, and wakes Wait. The caller holds
// Pool.pick.
func (w *Waiter) end(fate uint32) {
	w.fate.Store(fate)
	w.done <- struct{}{}
}

// Recycle lets the pool use the Waiter again for a later request. Wait must have returned, and
// nobody may call Poke any more.
func (w *Waiter) Recycle() {
	if w.spent || w.fate.Load() != ended {
		return
	}
	w.request, w.taken, w.home = nil, taken{}, nil
	w.pool.waiters.Put(w)
}
