// Requests that wait until their endpoint has less to read.

package balancer

import "time"

// Binder is a Picker that can say where a request had better be read, and whether it had better wait for that. With
// QueueOptions.ReadAhead a request is sent to an endpoint only while that has little to read. Until then it waits in the pool's queue, where its
// order can still be changed, and another endpoint can still take it.
type Binder interface {
	// Bind returns the open candidate at which the request costs least, where for each candidate so much work waits in the queue
	// and will be sent there before it; false if none is open.
	Bind(r *Request, ahead []int64) (i int, ok bool)
	// Cost returns what the request costs at candidate i, in seconds.
	Cost(r *Request, i int, ahead int64) float64
	// Work returns how much work it is to read the request's prompt at candidate i; 1 or more.
	Work(r *Request, i int) int64
	// Ready reports whether candidate i has no more to read than takes it so long; and if not, when it will have
	// as far as is known, or 0.
	Ready(i int, within time.Duration) (ready bool, when time.Duration)
}

// readsAhead reports whether requests wait until their endpoint has less to read.
func (q *queue) readsAhead(s *seats) bool {
	return q.options.ReadAhead > 0 && q.options.MaxRequests > 0 && s != nil && s.guard.binder != nil
}

// sendOrHold gives a request that comes its endpoint, if that is ready and nobody waits for it who goes before; else it
// fails with ErrFull, and home is where it had better wait. Where the queue is full it is sent at once.
func (q *queue) sendOrHold(r *Request, s *seats) (t taken, home *Endpoint, err error) {
	ahead := q.aheadOf(r, q.arrived+1, s)
	i, ok := s.guard.binder.Bind(r, ahead)
	if !ok {
		t, err = s.take(r, false)
		return t, nil, err
	}
	if !q.full() && (ahead[i] > 0 || !q.ready(i, s)) {
		return taken{}, s.endpoints[i], ErrFull
	}
	if t, err = s.takeSeat(i, r); err == nil && t.endpoint == nil {
		err = s.refusal(r)
	}
	return t, nil, err
}

// takeSeat counts the request in flight at the seat; t is zero where others have just taken its last slot.
func (s *seats) takeSeat(i int, r *Request) (t taken, err error) {
	if r != nil && r.Why != nil {
		s.explain(r, i)
	}
	if occupied, err := s.occupy(i); err != nil || !occupied {
		return taken{}, err
	}
	return s.visit(i, r), nil
}

// ready reports whether the seat is open and its endpoint has little to read.
func (q *queue) ready(i int, s *seats) bool {
	if s.obstacles[i] != 0 {
		return false
	}
	ready, _ := s.guard.binder.Ready(i, q.options.ReadAhead)
	return ready
}

// aheadOf returns for each seat the work that waits for it and goes before a request of this number. It belongs to the queue, until the
// next call.
func (q *queue) aheadOf(r *Request, number uint64, s *seats) []int64 {
	if cap(q.backlog) < len(s.endpoints) {
		q.backlog = make([]int64, len(s.endpoints))
	}
	q.backlog = q.backlog[:len(s.endpoints)]
	clear(q.backlog)
	asks := Waiter{priority: min(r.priority(), priorities-1), key: q.key(r), number: number}
	for _, w := range q.line {
		if w.home != nil && w.home.seat != unseated && w.before(&asks) {
			q.backlog[w.home.seat] += w.reads
		}
	}
	return q.backlog
}

// settleAt lets a waiter wait for an endpoint.
func (q *queue) settleAt(w *Waiter, home *Endpoint, s *seats) {
	w.home, w.reads = home, max(1, s.guard.binder.Work(w.request, home.seat))
	q.watchReading(s)
}

// serveReaders sends to each endpoint that is ready the first of those who wait for it. That one may go to another that is
// ready, where it costs less by now. An endpoint for which nobody waits takes the one that gains most by it. It reports whether
// anybody was sent.
func (q *queue) serveReaders(s *seats) (given bool) {
	defer s.guard.catch() // whoever freed the endpoint must not pay for it
	now := q.now()
	q.age(now)
	q.settleAll(s)
	for again := true; again && q.length > 0; {
		again = false
		for i := range s.endpoints {
			if !q.ready(i, s) {
				continue
			}
			w := q.firstFor(i, s)
			if w == nil {
				w = q.gainer(i, s)
			}
			if w != nil && q.send(w, q.bestNow(w, i, s), s, now) {
				given, again = true, true
			}
		}
	}
	q.watchReading(s)
	return given
}

// settleAll finds a new place to wait for those who have none, or one that is closed for other reasons than being full.
func (q *queue) settleAll(s *seats) {
	for w := q.oldest; w != nil; w = w.younger {
		if w.home != nil && w.home.seat != unseated && s.obstacles[w.home.seat]&^full == 0 {
			continue
		}
		if i, ok := s.guard.binder.Bind(w.request, q.aheadOf(w.request, w.number, s)); ok {
			w.home, w.reads = s.endpoints[i], max(1, s.guard.binder.Work(w.request, i))
		}
	}
}

// firstFor returns the first of those who wait for the seat; nil if nobody does.
func (q *queue) firstFor(i int, s *seats) (first *Waiter) {
	for _, w := range q.line {
		if w.home == s.endpoints[i] && (first == nil || w.before(first)) {
			first = w
		}
	}
	return first
}

// mostAsked is how many of those who wait are asked whether they would gain by an endpoint that has nobody.
const mostAsked = 16

// gainer returns, of the oldest who wait for others, the one that gains most by the seat; nil if nobody does. Whoever waits for one that
// is closed does: nobody knows for how long.
func (q *queue) gainer(i int, s *seats) (best *Waiter) {
	most, asked := 0.0, 0
	for w := q.oldest; w != nil && asked < mostAsked; w = w.younger {
		if w.home == nil || w.home.seat == unseated || w.request.excludes(s.endpoints[i]) {
			continue
		}
		asked++
		there := w.home.seat
		if s.obstacles[there] != 0 {
			return w
		}
		ahead := q.aheadOf(w.request, w.number, s)
		if gain := s.guard.binder.Cost(w.request, there, ahead[there]) - s.guard.binder.Cost(w.request, i, 0); gain > most {
			best, most = w, gain
		}
	}
	return best
}

// bestNow returns the seat that is best for a waiter now, if that is ready; else the one that is there for it.
func (q *queue) bestNow(w *Waiter, i int, s *seats) int {
	if j, ok := s.guard.binder.Bind(w.request, q.aheadOf(w.request, w.number, s)); ok && j != i && q.ready(j, s) {
		return j
	}
	return i
}

// send gives a waiter the seat, and reports whether it is gone.
func (q *queue) send(w *Waiter, i int, s *seats, now time.Duration) bool {
	t, err := s.takeSeat(i, w.request)
	if failure, failed := err.(*policyPanic); failed {
		q.remove(w, now)
		w.abandon(failure)
		return true
	}
	if t.endpoint == nil {
		return false
	}
	q.serve(w, now)
	w.keepPlace()
	w.bind(t)
	return true
}

// watchReading has recheck called when the first endpoint that somebody waits for is ready, as far as that is known.
func (q *queue) watchReading(s *seats) {
	q.heldUntil = 0
	for i, e := range s.endpoints {
		if s.obstacles[i] != 0 || !q.waitedFor(e) {
			continue
		}
		if ready, when := s.guard.binder.Ready(i, q.options.ReadAhead); !ready && when > 0 && (q.heldUntil == 0 || when < q.heldUntil) {
			q.heldUntil = when
		}
	}
	q.setTimer(q.now())
}

// waitedFor reports whether anybody waits for the endpoint.
func (q *queue) waitedFor(e *Endpoint) bool {
	for _, w := range q.line {
		if w.home == e {
			return true
		}
	}
	return false
}
