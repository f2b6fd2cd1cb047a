package balancer

import (
	"container/heap"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// queue is the requests that wait until an endpoint has a slot for them, in the order in
// which they are to be served. Adding, removing and setting aside are O(log n); a slot that
// comes free costs that for each who waits and may not have it. All of it is guarded by
// Pool.pick.
//
// A request's work is what was predicted of it, in its upstream's unit; its size is that in
// units of the usual request; its key is what it is ordered by, which is 0 once it has aged.
type queue struct {
	options QueueOptions
	now     func() time.Duration // the pool's clock; written once, by the first configure
	line    line                 // all that wait but those set aside
	aside   []*Waiter            // empty but within one hand-over
	arrived uint64               // how many ever were given a number
	drain   drain

	// Everybody who waits, by arrival. Those before young have aged.
	oldest, youngest, young *Waiter
	length                  int

	sizes    dispatch.Sizes
	compared []dispatch.Seat // memory of fleet

	heldUntil time.Duration // when the first of those held back is to be looked at again; 0: nobody is
	recheck   func()        // Pool.Recheck; nil with a clock that is not the process's, which no timer goes by
	timer     *time.Timer   // calls recheck; nil before it was needed first
}

// configure puts the options in force. Who waits already stays.
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

// key returns by what a request is ordered until it has aged, 0 or more.
func (q *queue) key(r *Request) float64 {
	if work := r.work(); q.options.Order.BySize() && work > 0 {
		return work
	}
	return 0
}

// add puts the waiter in, where its request has been before.
func (q *queue) add(w *Waiter) {
	now := q.now()
	if q.length == 0 {
		q.drain.at = now
	}
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
	if w.younger == q.young { // both nil where all before it have aged
		q.young = w
	} else if w.younger != nil && (q.young == nil || w.number < q.young.number) {
		w.key, w.long = 0, false // who came after it has aged
	}
	q.length++
	heap.Push(&q.line, w)
}

// link puts the waiter behind this one, in the order of arrivals; behind nil it is first.
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

// serve takes out a waiter for which there is an endpoint.
func (q *queue) serve(w *Waiter, now time.Duration) {
	q.remove(w, now)
	q.drain.served++
}

// remove takes out a waiter that is in, and not set aside.
func (q *queue) remove(w *Waiter, now time.Duration) {
	q.drain.pass(now)
	heap.Remove(&q.line, w.place)
	if q.young == w {
		q.young = w.younger
	}
	q.unlink(w)
	q.length--
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

// age orders those that have waited for more than half of MaxWait as if they were the
// least work: then only those that came before them go before them. It is O(log n) for
// each of them, once in its life.
func (q *queue) age(now time.Duration) {
	if !q.options.Order.BySize() {
		return
	}
	for w := q.young; w != nil && now-w.arrived > q.options.MaxWait/2; w = w.younger {
		w.key, w.long = 0, false
		heap.Fix(&q.line, w.place)
		q.young = w.younger
	}
}

// first returns who is to be served first of those not set aside; nil when there is nobody.
func (q *queue) first() *Waiter {
	if len(q.line) == 0 {
		return nil
	}
	return q.line[0]
}

// setAside passes over the first until restore.
func (q *queue) setAside() {
	q.aside = append(q.aside, heap.Pop(&q.line).(*Waiter))
}

// restore puts those back who were set aside.
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

func (l line) Less(i, j int) bool {
	a, b := l[i], l[j]
	return a.key < b.key || a.key == b.key && a.number < b.number
}

func (l line) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = i, j
}

func (l *line) Push(w any) {
	w.(*Waiter).place = len(*l)
	*l = append(*l, w.(*Waiter))
}

func (l *line) Pop() any {
	last := len(*l) - 1
	w := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	return w
}
