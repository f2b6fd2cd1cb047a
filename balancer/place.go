package balancer

import "time"

// place is what a request that was given an endpoint remembers of its arrival.
type place struct {
	number uint64 // 0: it has never been given one
	// What follows is 0 for a request that did not wait for its endpoint.
	arrived, until, maxWait time.Duration
}

// number returns the next arrival's.
func (q *queue) number() uint64 {
	q.arrived++
	return q.arrived
}

// giveBack lets the waiter have the place of its request again. When a request came that did
// not wait then is not known but by its number: it was before all came who have higher ones.
// It is O(n) in those who wait and came before.
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
