// The events that wait to be told to one receiver.

package notify

import (
	"sync"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// mostWaiting bounds a receiver's queue.
const mostWaiting = 1000

// queue is first in, first out. When it is full the oldest goes: the newest say how things are.
type queue struct {
	news chan struct{} // holds one; there may be something in the queue

	mu      sync.Mutex // guards what follows
	events  []event.Event
	dropped uint64
	closed  bool
}

func newQueue() *queue { return &queue{news: make(chan struct{}, 1)} }

func (q *queue) add(events []event.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.dropped += uint64(len(events))
		return
	}
	q.events = append(q.events, events...)
	if over := len(q.events) - mostWaiting; over > 0 {
		q.dropped += uint64(over)
		q.events = append([]event.Event(nil), q.events[over:]...)
	}
	select {
	case q.news <- struct{}{}:
	default:
	}
}

// first takes the oldest out.
func (q *queue) first() (e event.Event, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		q.events = nil // what was taken out is let go
		return e, false
	}
	e, q.events = q.events[0], q.events[1:]
	return e, true
}

// drop counts events that are lost.
func (q *queue) drop(n uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped += n
}

// close drops what waits and all that comes.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped += uint64(len(q.events))
	q.events, q.closed = nil, true
}

func (q *queue) state() (waiting int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.events), q.dropped
}
