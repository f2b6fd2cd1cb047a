// Why a request gets no endpoint.

package balancer

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNoEndpoint says that no endpoint may be picked: none is eligible, or all that are were excluded.
	ErrNoEndpoint = errors.New("acquire endpoint: none is eligible")
	// ErrFull says that every endpoint that may be picked works on as many requests as it has slots.
	ErrFull = errors.New("acquire endpoint: all that are eligible are full")
	// ErrQueueFull says that as many requests wait as may; it comes as a *QueueFull.
	ErrQueueFull = errors.New("the queue is full")
	// ErrPoked says that a request that waited was told to leave.
	ErrPoked = errors.New("wait for an endpoint: poked")
)

// QueueFull is the error of a request that may not even wait.
type QueueFull struct {
	Limit      int           // how many requests may wait
	RetryAfter time.Duration // when those who wait will have been served, 1 s to 60 s
}

// Error implements error.
func (e *QueueFull) Error() string {
	return fmt.Sprintf("wait for an endpoint: %v, %d requests may wait", ErrQueueFull, e.Limit)
}

// Unwrap returns ErrQueueFull.
func (e *QueueFull) Unwrap() error { return ErrQueueFull }

// Displaced is the error of a request that waited in a full queue until one of a higher priority
// came.
type Displaced struct {
	RetryAfter time.Duration // when those who wait will have been served, 1 s to 60 s
}

// Error implements error.
func (e *Displaced) Error() string {
	return fmt.Sprintf("wait for an endpoint: %v, and a request of a higher priority came", ErrQueueFull)
}

// Unwrap returns ErrQueueFull.
func (e *Displaced) Unwrap() error { return ErrQueueFull }

// WaitedTooLong is the error of a request for which no slot was freed in time.
type WaitedTooLong struct {
	Limit      time.Duration // how long it might wait
	RetryAfter time.Duration // when those who wait will have been served, 1 s to 60 s
}

// Error implements error.
func (e *WaitedTooLong) Error() string {
	return fmt.Sprintf("wait for an endpoint: none had a slot within %v", e.Limit)
}
