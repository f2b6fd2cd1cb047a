// The place in the queue that a request gets back after a failed attempt.

package balancer

import "time"

// place is where a request stands in the order of arrivals. It is remembered once the request
// has been given an endpoint, for the case that it fails there and has to wait again.
type place struct {
	number uint64 // 0: it has never been given one
	// What follows is 0 for a request that got its endpoint without waiting.
	arrived, until, maxWait time.Duration
}

// number returns the next number of an arrival.
func (q *queue) number() uint64 {
	q.arrived++
	return q.arrived
}

// giveBack lets the waiter have the place of its request again. Of a request that got its
// endpoint without waiting only the number is known, not when it came. It came before all with
// higher numbers, and counts as if it had come with the next of them, or now. giveBack is O(n)
// in those who wait and came before.
func (q *queue) giveBack(w *Waiter, at place, now time.Duration) {
	var older *Waiter
	for next := q.oldest; next != nil && next.number < at.number; next = next.younger {
		older = next
	}
	w.number = at.number
	q.link(w, older)
	w.arrived = now
	if at.maxWait > 0 {
		w.arrived = at.arrived
	}
	if w.younger != nil {
		w.arrived = min(w.arrived, w.younger.arrived)
	}
	if w.until = w.arrived + w.maxWait; at.maxWait > 0 {
		w.until, w.maxWait = at.until, at.maxWait
	}
	for ; older != nil && older.arrived > w.arrived; older = older.older {
		older.arrived = w.arrived
	}
}
