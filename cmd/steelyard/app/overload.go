// Telling when requests are turned away for want of room, and when that is over.

package app

import (
	"context"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/admission"
)

const (
	overloadEvery = time.Second      // is looked
	overloadEnds  = 10 * time.Second // after the last request that was turned away
)

// overload tells of times in which requests are turned away: once when it begins, once when it
// is over. One goroutine, that of run, uses it.
type overload struct {
	guard  *admission.Guard
	events *event.Log

	seen  [2]int64 // turned away for want of requests and of memory, as last looked
	on    bool
	since time.Time
	last  time.Time // some were seen to be turned away
	total int64     // turned away since then
}

func (o *overload) run(ctx context.Context) error {
	return every(ctx, overloadEvery, o.look)
}

func (o *overload) look(now time.Time) {
	seen := [2]int64{o.guard.Turned(admission.ManyRequests), o.guard.Turned(admission.LittleMemory)}
	requests, memory := seen[0]-o.seen[0], seen[1]-o.seen[1]
	o.seen = seen
	switch more := requests + memory; {
	case more > 0 && !o.on:
		o.on, o.since, o.last, o.total = true, now, now, more
		cause := "as many requests are under way as limits.requests allows"
		if memory > requests {
			cause = "as much memory is in use as limits.memory allows"
		}
		o.events.Publish(event.Event{
			Kind: event.Shed, Cause: cause, Action: "new requests get 503",
			Evidence: map[string]any{"turned_away": more, "requests_under_way": o.guard.Requests(), "memory_bytes": o.guard.Memory()},
		})
	case more > 0:
		o.last = now
		o.total += more
	case o.on && now.Sub(o.last) >= overloadEnds:
		o.on = false
		o.events.Publish(event.Event{
			Kind: event.ShedOver, Evidence: map[string]any{"turned_away": o.total, "seconds": o.last.Sub(o.since).Seconds()},
		})
	}
}
