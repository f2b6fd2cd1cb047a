// Rows queued by requests, handed on by one goroutine.

package usage

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// mostRows is how many rows may wait to be looked at; more are dropped.
	mostRows = 4096
	// handedOn is how many rows that wait are handed on at once. So few are still in the processor's cache, and their readers take
	// each of their locks for all of them once.
	handedOn = 256
	// pauseTime is how long rows wait at most for others to be handed on with.
	pauseTime = time.Second
)

// Queue takes the rows of requests, which it never keeps waiting, and hands them to all consumers,
// in the order in which requests ended. Rows wait for up to a second. What does not fit is dropped and counted.
type Queue struct {
	consumers []func([]Row)
	dropped   func()
	wake      chan struct{} // sent to by Add when there are rows again, or many

	mu      sync.Mutex
	waiting []Row // under mu; room for mostRows
	ended   bool  // under mu; set by Run
	lost    int64 // under mu

	taking sync.Mutex // held while rows are handed on; before mu
	spare  []Row      // under taking
	failed failed     // under taking
}

// NewQueue makes a queue. dropped is called for each row that is lost, from any goroutine; nil:
// nobody is told. Each consumer is called from one goroutine at a time, with one row or more, which are used again once it
// has returned. Nothing is handed on before Run or Step.
func NewQueue(dropped func(), consumers ...func([]Row)) *Queue {
	if dropped == nil {
		dropped = func() {}
	}
	return &Queue{
		consumers: consumers, dropped: dropped, wake: make(chan struct{}, 1),
		waiting: make([]Row, 0, mostRows), spare: make([]Row, 0, mostRows),
	}
}

// Add takes a copy of the row. It never waits and allocates nothing; any goroutine may call it.
func (q *Queue) Add(r *Row) {
	q.mu.Lock()
	if q.ended || len(q.waiting) == mostRows {
		q.lost++
		q.mu.Unlock()
		q.dropped()
		return
	}
	q.waiting = append(q.waiting, *r)
	n := len(q.waiting)
	q.mu.Unlock()
	if n == 1 || n == handedOn {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

// Dropped is how many rows were lost.
func (q *Queue) Dropped() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// Run hands rows on until ctx ends, and then those that still wait. Rows that come after that are dropped.
func (q *Queue) Run(ctx context.Context) error {
	pause := time.NewTimer(pauseTime)
	defer pause.Stop()
	for ctx.Err() == nil {
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
		if pause.Reset(pauseTime); !q.crowded() {
			select {
			case <-pause.C:
			case <-q.wake:
			case <-ctx.Done():
			}
		}
		q.Step()
	}
	q.mu.Lock()
	q.ended = true
	q.mu.Unlock()
	q.Step()
	return nil
}

// crowded says whether so many rows wait that it is time to hand them on.
func (q *Queue) crowded() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) >= handedOn
}

// Step hands on the rows that wait now.
func (q *Queue) Step() {
	q.taking.Lock()
	defer q.taking.Unlock()
	q.mu.Lock()
	q.waiting, q.spare = q.spare, q.waiting
	q.mu.Unlock()
	for rows := range slices.Chunk(q.spare, handedOn) {
		for i := range rows {
			q.failed.find(&rows[i])
		}
		for _, consumer := range q.consumers {
			consumer(rows)
		}
	}
	clear(q.spare) // lets go of the names in them
	q.spare = q.spare[:0]
}
