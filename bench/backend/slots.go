package backend

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// backdateLimit bounds how far before now a slot may be handed on. Timers end
// up to a millisecond or so late; what is later than this was a client that
// read slowly and truly held the slot.
const backdateLimit = 10 * time.Millisecond

// slots is the server's right to work: free ones, and who waits for one.
type slots struct {
	mu      sync.Mutex // guards the rest; held by acquire and release only
	free    int
	waiting list.List // of *waiter, first come first
}

type waiter struct {
	arrived time.Time
	granted chan time.Time // written once, under the mutex, by the release that serves it
}

func newSlots(n int) *slots { return &slots{free: n} }

// acquire takes a slot, waiting its turn, and returns the instant from which
// the caller's service counts: now, or while others waited the instant the slot
// was due to be free. Without the latter each hand-over would add a timer's
// rounding and a saturated server would not reach its capacity.
func (s *slots) acquire(ctx context.Context) (time.Time, error) {
	now := time.Now()
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return now, nil
	}
	w := &waiter{arrived: now, granted: make(chan time.Time, 1)}
	place := s.waiting.PushBack(w)
	s.mu.Unlock()

	select {
	case start := <-w.granted:
		return start, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.waiting.Remove(place)
	s.mu.Unlock()
	select {
	case start := <-w.granted: // served in the very moment it gave up: pass it on
		s.release(start)
	default:
	}
	return time.Time{}, context.Cause(ctx)
}

// release gives a slot back that was due to be free at the instant given, to
// the longest waiter if there is one.
func (s *slots) release(due time.Time) {
	now := time.Now()
	if due.After(now) || now.Sub(due) > backdateLimit {
		due = now
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.waiting.Front()
	if first == nil {
		s.free++
		return
	}
	w := s.waiting.Remove(first).(*waiter)
	if due.Before(w.arrived) {
		due = w.arrived
	}
	w.granted <- due
}

// queued is how many requests wait for a slot.
func (s *slots) queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting.Len()
}
