// The requests that wait for a slot, in the order in which they are served.

package balancer

import (
	"container/heap"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// queue has the requests that wait for a slot, in the order in which they are to be served.
// To add, remove or set aside one is O(log n). A slot that is freed costs that for each who
// waits and may not have it, and for the one that gets it. Pool.pick guards all of it.
//
// The work of a request is what was predicted, in its upstream's unit. Its size is its work in
// units of the usual request. Its key is what it is ordered by among those of its priority: 0
// once it has aged, that is, has waited for more than half of MaxWait.
type queue struct {
	options QueueOptions
	hold    time.Duration        // Options.Hold while the snapshot in force is Holding; else 0
	now     func() time.Duration // the pool's clock; written once, by the first configure
	line    line                 // all that wait but those set aside
	aside   []*Waiter            // passed over by serveWaiting; empty at all other times
	arrived uint64               // the last number that was given to an arrival
	drain   drain

	// All that wait, by arrival. Those before young have aged.
	oldest, youngest, young *Waiter
	length                  int
	of                      [priorities]int // how many of each priority wait
	elsewhere               elsewhere

	sizes    dispatch.Sizes
	demand   demand
	compared []dispatch.Seat // memory of fleet
	backlog  []int64         // memory of aheadOf

	heldUntil time.Duration // when the first of those held back is to be asked about again; 0: nobody is held back
	recheck   func()        // Pool.Recheck; nil with a clock that is not the process's, which no timer goes by
	timer     *time.Timer   // calls recheck; nil before it was needed first
}

// priorities is how many priorities there are, from 0.
const priorities = 10

// configure puts the options in force. Those who wait stay.
func (q *queue) configure(o Options, recheck func()) {
	if q.now == nil {
		if q.now = o.Now; q.now == nil {
			q.now = processClock
			q.recheck = recheck
		}
	}
	if q.options == o.Queue {
		return
	}
	q.options = o.Queue
	for w := q.oldest; w != nil; w = w.younger {
		w.key = q.key(w.request)
		w.size = q.size(w.request)
		w.long = q.sizes.IsLong(w.size)
	}
	heap.Init(&q.line)
	q.young = q.oldest
}

// key returns what a request is ordered by until it has aged; 0 or more.
func (q *queue) key(r *Request) float64 {
	if q.options.ReadAhead > 0 && q.options.Order.BySize() && r != nil {
		return float64(r.Prompt.Bytes)
	}
	if work := r.work(); q.options.Order.BySize() && work > 0 {
		return work
	}
	return 0
}

// add puts the waiter in: at the end, or where its request has been before.
func (q *queue) add(w *Waiter) {
	now := q.now()
	if q.length == 0 {
		q.drain.at = now
	}
	w.priority = min(w.request.priority(), priorities-1)
	w.key = q.key(w.request)
	w.size = q.size(w.request)
	w.long = q.sizes.IsLong(w.size)
	if w.request == nil || w.request.place.number == 0 {
		w.number = q.number()
		q.link(w, q.youngest)
		w.arrived, w.until = now, now+w.maxWait
	} else {
		q.giveBack(w, w.request.place, now)
	}
	if w.younger == q.young { // both are nil where all before it have aged
		q.young = w
	} else if w.younger != nil && (q.young == nil || w.number < q.young.number) {
		w.key, w.long = 0, false // one that came after it has aged: so has it
	}
	q.length++
	q.demand.waiting += sizeOf(w.request)
	q.of[w.priority]++
	heap.Push(&q.line, w)
}

// link puts the waiter behind another in the order of arrivals; behind nil it is the first.
func (q *queue) link(w, older *Waiter) {
	w.older, w.younger = older, q.oldest
	if older == nil {
		q.oldest = w
	} else {
		w.younger, older.younger = older.younger, w
	}
	if w.younger == nil {
		q.youngest = w
	} else {
		w.younger.older = w
	}
}

// serve removes a waiter that is given an endpoint.
func (q *queue) serve(w *Waiter, now time.Duration) {
	q.remove(w, now)
	q.drain.served++
}

// remove removes a waiter that waits, and is not set aside.
func (q *queue) remove(w *Waiter, now time.Duration) {
	q.drain.pass(now)
	heap.Remove(&q.line, w.index)
	if q.young == w {
		q.young = w.younger
	}
	q.unlink(w)
	if q.demand.waiting -= sizeOf(w.request); q.length == 1 {
		q.demand.waiting = 0 // and not what rounding has left
	}
	q.length--
	q.of[w.priority]--
}

// displace sends the youngest of the lowest priority away, to make room for a request of a
// higher one; or it reports that nobody is below that. It is O(n) in those who came after the
// one that goes.
func (q *queue) displace(priority uint8) bool {
	for lowest := range min(priority, priorities-1) {
		if q.of[lowest] == 0 {
			continue
		}
		w := q.youngest
		for w.priority != lowest {
			w = w.older
		}
		w.retryAfter = q.state().RetryAfter(w.maxWait)
		q.remove(w, q.now())
		w.end(displaced)
		return true
	}
	return false
}

func (q *queue) unlink(w *Waiter) {
	if w.older == nil {
		q.oldest = w.younger
	} else {
		w.older.younger = w.younger
	}
	if w.younger == nil {
		q.youngest = w.older
	} else {
		w.younger.older = w.older
	}
	w.older, w.younger = nil, nil
}

// age puts those that have waited for more than half of MaxWait first among those of their
// priority, as if they were no work at all. Then only those that came before them are served before them. It is O(log n) for
// each, once in its life.
func (q *queue) age(now time.Duration) {
	if !q.options.Order.BySize() {
		return
	}
	for w := q.young; w != nil && now-w.arrived > q.options.MaxWait/2; w = w.younger {
		w.key, w.long = 0, false
		heap.Fix(&q.line, w.index)
		q.young = w.younger
	}
}

// first returns the one to be served first of those not set aside; nil if there is none.
func (q *queue) first() *Waiter {
	if len(q.line) == 0 {
		return nil
	}
	return q.line[0]
}

// setAside takes the first out of the line until restore.
func (q *queue) setAside() {
	q.aside = append(q.aside, heap.Pop(&q.line).(*Waiter))
}

// restore puts those that were set aside back in the line.
func (q *queue) restore() {
	for i, w := range q.aside {
		heap.Push(&q.line, w)
		q.aside[i] = nil
	}
	q.aside = q.aside[:0]
}

// state returns how the queue is doing.
func (q *queue) state() QueueState {
	state := QueueState{Waiting: q.length, HeldUntil: q.heldUntil}
	if q.length > 0 {
		now := q.now()
		q.drain.pass(now)
		state.Oldest = now - q.oldest.arrived
	}
	state.DrainRate = q.drain.rate()
	return state
}

// line is a heap of waiters, for package heap.
type line []*Waiter

func (l line) Len() int { return len(l) }

func (l line) Less(i, j int) bool { return l[i].before(l[j]) }

// before reports whether it is to be served before another.
func (a *Waiter) before(b *Waiter) bool {
	if a.priority != b.priority {
		return a.priority > b.priority
	}
	return a.key < b.key || a.key == b.key && a.number < b.number
}

func (l line) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

func (l *line) Push(w any) {
	w.(*Waiter).index = len(*l)
	*l = append(*l, w.(*Waiter))
}

func (l *line) Pop() any {
	last := len(*l) - 1
	w := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return w
}
