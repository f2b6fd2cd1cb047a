// How deliveries to a receiver fare: counts, and the event when that changes.

package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// standing is a receiver and how it fares. The dispatcher's mu guards what is not its settings.
type standing struct {
	Receiver
	cancel context.CancelFunc // ends its deliveries; nil: not begun
	news   []chan struct{}    // one for each goroutine that delivers; each holds one

	attempts, failed                      uint64
	delivered, refused, outdated, dropped uint64

	lastSuccess time.Time
	lastError   string    // the last problem; "" after a success
	failing     time.Time // since when; zero: it takes what it is told
	told        bool      // that it fails
}

func newStanding(r Receiver) *standing {
	s := &standing{Receiver: r}
	for range max(1, len(r.Mirrors)) {
		s.news = append(s.news, make(chan struct{}, 1))
	}
	return s
}

// wake says that there may be something to deliver. It never waits.
func (s *standing) wake() {
	for _, news := range s.news {
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

// ReceiverState is what people are shown of a receiver.
type ReceiverState struct {
	Name, Kind   string
	Waiting      int
	LastSuccess  time.Time // zero: none yet
	LastError    string    // "": the last attempt succeeded
	FailingSince time.Time // zero: it does not fail
}

// Stats are what a scrape shows of a receiver.
type Stats struct {
	Receiver         string
	Attempts, Failed uint64 // to tell it something; those that failed are among them

	// How messages ended.
	Delivered uint64
	Refused   uint64 // by an answer that no further attempt would change
	Outdated  uint64 // undelivered after a day
	Dropped   uint64 // too many waited, or the receiver has gone

	Waiting int
	Failing bool
}

// attempted counts an attempt to tell the receiver something; another way to it may still fail. The caller holds mu.
func (s *standing) attempted(problem error, failing bool, now time.Time) {
	s.attempts++
	if problem == nil {
		s.lastSuccess = now
		if !failing {
			s.lastError, s.failing = "", time.Time{}
		}
		return
	}
	s.failed++
	s.lastError = problem.Error()
	if s.failing.IsZero() {
		s.failing = now
	}
}

// tell makes an event of a delivery that failed after one that did not, and the other way round.
func (d *Dispatcher) tell(s *standing, problem error, waiting int) {
	d.mu.Lock()
	was := s.told
	s.told = problem != nil
	d.mu.Unlock()
	evidence := map[string]any{"receiver": s.Name, "waiting": waiting}
	final, isFinal := errors.AsType[*Final](problem)
	switch {
	case problem == nil && was:
		d.Events.Publish(event.Event{Kind: event.AlertsDelivered, Evidence: evidence})
	case problem == nil || was && !isFinal:
	case isFinal && final.Gone:
		d.Events.Publish(event.Event{Kind: event.AlertsUndelivered, Cause: problem.Error(), Evidence: evidence,
			Action: "it gets no more messages until its settings change or steelyard starts anew"})
	case isFinal:
		d.Events.Publish(event.Event{Kind: event.AlertsUndelivered, Cause: problem.Error(), Evidence: evidence,
			Action: "the message is not tried again before it changes or is due again"})
	default:
		d.Events.Publish(event.Event{Kind: event.AlertsUndelivered, Cause: problem.Error(), Evidence: evidence,
			Action: "its messages are tried again for a day, the newest state of each group"})
	}
}
