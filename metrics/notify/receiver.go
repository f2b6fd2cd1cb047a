// A receiver: its queue, its deliveries, and what is told of them.

package notify

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

const (
	tooOld       = time.Hour       // an event older than that is told to nobody any more
	failuresTold = 3               // attempts in a row, after which it is an event that they fail
	flushTime    = 3 * time.Second // to tell what waits when the end has come
)

// Options are what a receiver needs.
type Options struct {
	Name    string
	Target  Target
	Events  *event.Log
	Takes   func(event.Event) bool // nil: all
	Gateway string                 // who we are
	Boot    string                 // different in each run of the program
}

// Receiver tells one receiver what happens.
type Receiver struct {
	Options
	taking   sync.Mutex // one at a time takes from follower
	follower *event.Follower
	detached bool // guarded by taking
	queue    *queue
	poster   *Poster

	attempts, failed             atomic.Uint64
	delivered, refused, outdated atomic.Uint64

	// These belong to the goroutine that delivers.
	inARow  int  // attempts that failed, since the last that did not
	failing bool // that was told
	ending  bool // flush tells what is lost
}

// NewReceiver hears of events from now on; it tells them once Run runs.
func NewReceiver(o Options) *Receiver {
	r := &Receiver{Options: o, follower: o.Events.Follow(o.Events.Newest()), queue: newQueue()}
	r.poster = NewPoster(o.Target)
	return r
}

// Stats are what a scrape shows of a receiver.
type Stats struct {
	Receiver string
	Attempts uint64 // to deliver a message
	Failed   uint64 // attempts that failed

	// How messages ended.
	Delivered uint64
	Refused   uint64 // by an answer that no other attempt would change
	Outdated  uint64 // undelivered when their event was an hour old
	Dropped   uint64 // too many waited, or the program or the receiver's part in the configuration ended

	Waiting int // now
}

// Stats may be called from any goroutine.
func (r *Receiver) Stats() Stats {
	s := Stats{
		Receiver: r.Name, Attempts: r.attempts.Load(), Failed: r.failed.Load(),
		Delivered: r.delivered.Load(), Refused: r.refused.Load(), Outdated: r.outdated.Load(),
	}
	s.Waiting, s.Dropped = r.queue.state()
	return s
}

// Run delivers until ctx ends. Then what waits has a few seconds and one attempt each.
func (r *Receiver) Run(ctx context.Context) error {
	var gatherer sync.WaitGroup
	gatherer.Go(func() { r.gather(ctx) })
	defer r.poster.Close()
	defer r.queue.close()
	for {
		e, ok := r.queue.first()
		if ok {
			if ctx.Err() == nil && r.deliver(ctx, e) {
				continue
			}
			gatherer.Wait()
			r.flush(e)
			return nil
		}
		select {
		case <-r.queue.news:
		case <-ctx.Done():
			gatherer.Wait()
			r.flush()
			return nil
		}
	}
}

// gather moves what happens into the queue, until ctx ends.
func (r *Receiver) gather(ctx context.Context) {
	for {
		select {
		case <-r.follower.News():
			r.take()
		case <-ctx.Done():
			r.Detach() // what was published before is still taken
			return
		}
	}
}

// Detach lets the receiver hear of no more events than those until now. Run still tells these.
func (r *Receiver) Detach() {
	r.take()
	r.taking.Lock()
	defer r.taking.Unlock()
	r.detached = true
	r.follower.Close()
}

// take moves what has happened into the queue.
func (r *Receiver) take() {
	r.taking.Lock()
	defer r.taking.Unlock()
	if r.detached {
		return
	}
	events, missed := r.follower.Take()
	r.queue.drop(missed)
	var taken []event.Event
	for _, e := range events {
		if r.takes(e) {
			taken = append(taken, e)
		}
	}
	r.queue.add(taken)
}

// takes says whether the receiver is told. None is told how webhooks fare: two that fail would
// keep one another busy for ever.
func (r *Receiver) takes(e event.Event) bool {
	return e.Kind != event.WebhookFailing && e.Kind != event.WebhookBack && (r.Takes == nil || r.Takes(e))
}

// deliver tells one event, however many attempts that takes. It reports whether it is settled; it is
// not if ctx ended first.
func (r *Receiver) deliver(ctx context.Context, e event.Event) (settled bool) {
	limited, cancel := context.WithDeadline(ctx, e.At.Add(tooOld))
	defer cancel()
	err := r.send(limited, e, math.MaxInt32)
	if err != nil && ctx.Err() != nil {
		return false
	}
	r.settle(err)
	if refused, is := errors.AsType[*Refused](err); is && refused.Status == http.StatusGone {
		r.queue.close() // it wants no more
	}
	return true
}

func (r *Receiver) send(ctx context.Context, e event.Event, attempts int) error {
	m := messageOf(e, r.Gateway, r.Boot)
	body, err := m.body()
	if err != nil {
		return err
	}
	return r.poster.Post(ctx, Sending{ID: m.ID, Body: body, Attempts: attempts, Attempted: r.attempted})
}

// settle counts how a message ended.
func (r *Receiver) settle(err error) {
	_, refused := errors.AsType[*Refused](err)
	switch {
	case err == nil:
		r.delivered.Add(1)
	case refused:
		r.refused.Add(1)
		r.tellFailing(err)
	default:
		r.outdated.Add(1)
	}
}

// flush tries once to tell each that waits.
func (r *Receiver) flush(first ...event.Event) {
	r.ending = true
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	lost := 0
	try := func(e event.Event) {
		if ctx.Err() == nil && r.send(ctx, e, 1) == nil {
			r.delivered.Add(1)
			return
		}
		lost++
	}
	for _, e := range first {
		try(e)
	}
	for e, ok := r.queue.first(); ok; e, ok = r.queue.first() {
		try(e)
	}
	if lost > 0 {
		r.queue.drop(uint64(lost))
		r.Events.Publish(event.Event{Kind: event.WebhookFailing, Cause: "it did not take what waited at the end of steelyard, or of its part in the configuration",
			Action: "these messages are lost", Evidence: map[string]any{"receiver": r.Name, "lost": lost}})
	}
}

// attempted hears of each attempt.
func (r *Receiver) attempted(problem error) {
	r.attempts.Add(1)
	if problem != nil {
		r.failed.Add(1)
		if r.inARow++; r.inARow >= failuresTold {
			r.tellFailing(problem)
		}
		return
	}
	r.inARow = 0
	if r.failing {
		r.failing = false
		_, dropped := r.queue.state()
		r.Events.Publish(event.Event{Kind: event.WebhookBack, Evidence: map[string]any{"receiver": r.Name, "dropped": dropped}})
	}
}

// tellFailing makes it an event, once until it is over.
func (r *Receiver) tellFailing(problem error) {
	if r.failing || r.ending {
		return
	}
	r.failing = true
	waiting, _ := r.queue.state()
	r.Events.Publish(event.Event{Kind: event.WebhookFailing, Cause: problem.Error(), Action: r.action(problem),
		Evidence: map[string]any{"receiver": r.Name, "waiting": waiting}})
}

func (r *Receiver) action(problem error) string {
	switch refused, is := errors.AsType[*Refused](problem); {
	case !is:
		return "its messages are tried again until they are an hour old"
	case refused.Status == http.StatusGone:
		return "it gets no more messages until its settings change or steelyard starts anew"
	}
	return "the message is not tried again"
}
