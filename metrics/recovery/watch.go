// When an endpoint is to be got back.

package recovery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

const (
	lookEvery = time.Second
	wellAgain = 30 * time.Second // how long an endpoint that comes back must stay, if After is not less
	anHour    = time.Hour
)

// Endpoint is one endpoint as it is now.
type Endpoint struct {
	Name, URL string
	Out       string // why it gets no requests, "ejected" or "probe failed"; "" if it is well, or out by intent
	Reason    string // in the words of whoever took it out
}

// Action is what is done for an endpoint.
type Action interface {
	// Describe says what Take does.
	Describe(upstream string, e Endpoint) string
	// Take does it, until ctx ends, and returns what there is to tell of it.
	Take(ctx context.Context, upstream string, e Endpoint) (evidence map[string]any, err error)
}

// Options are what a Watch needs.
type Options struct {
	Upstream  string
	Endpoints func() []Endpoint // called about once a second
	Action    Action
	Events    *event.Log

	After   time.Duration // out for so long
	Every   time.Duration // from the end of one action for an endpoint to the next
	Limit   int           // actions in an hour
	Timeout time.Duration // of one action
	DryRun  bool          // nothing is done, only told
}

// Watch looks after the endpoints of one upstream.
type Watch struct {
	Options

	// What follows belongs to the goroutine of Run.
	known map[string]*history
	acted []time.Time // the actions of the last hour
	held  bool        // it was told that Limit is reached

	asked chan request // by Ask
}

// request is that somebody wants the action for an endpoint now.
type request struct{ endpoint, why string }

// history is what is remembered of an endpoint.
type history struct {
	since time.Time // it is out; zero: it is well
	seen  time.Time // when it was last seen out
	acted time.Time // when the last action for it ended; zero: never
}

// New makes a Watch that does nothing before Run.
func New(o Options) *Watch {
	return &Watch{Options: o, known: map[string]*history{}, asked: make(chan request, mostAsked)}
}

// mostAsked is how many requests wait while an action is taken.
const mostAsked = 16

// Ask wants the action for an endpoint as soon as it may be taken: whatever After says, but within Every and Limit.
// It does not wait, and reports whether there was room to ask.
func (w *Watch) Ask(endpoint, why string) bool {
	select {
	case w.asked <- request{endpoint, why}:
		return true
	default:
		return false
	}
}

// Run looks after the endpoints until ctx ends, which ends an action under way too.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-w.asked:
			w.answer(ctx, r)
		case <-tick.C:
			if e, due := w.look(time.Now()); due {
				w.act(ctx, e, "")
			}
		}
	}
}

// answer takes the action that somebody asked for, or tells why it may not be taken now.
func (w *Watch) answer(ctx context.Context, r request) {
	list, now := w.Endpoints(), time.Now()
	i := slices.IndexFunc(list, func(e Endpoint) bool { return e.Name == r.endpoint })
	if i < 0 {
		return // it went meanwhile
	}
	h := w.note(list[i], now)
	if since := now.Sub(h.acted); !h.acted.IsZero() && since < w.Every {
		w.Events.Publish(event.Event{Kind: event.RecoveryFailed, Upstream: w.Upstream, Endpoint: r.endpoint, Action: "nothing",
			Cause: fmt.Sprintf("asked for by %s, but the last action for it was %s ago, and may be one in %s", r.why, since.Round(time.Second), w.Every)})
		return
	}
	if w.allowed(now) {
		w.act(ctx, list[i], "asked for by "+r.why)
	}
}

// look notes how the endpoints are, and returns the one that has been out for longest of those for which
// something is to be done now.
func (w *Watch) look(now time.Time) (due Endpoint, is bool) {
	list := w.Endpoints()
	w.forget(list)
	var first time.Time
	for _, e := range list {
		h := w.note(e, now)
		if h.since.IsZero() || e.Out == "" || now.Sub(h.since) < w.After || !h.acted.IsZero() && now.Sub(h.acted) < w.Every {
			continue
		}
		if !is || h.since.Before(first) {
			due, is, first = e, true, h.since
		}
	}
	return due, is && w.allowed(now)
}

// forget drops what is known of endpoints that have gone.
func (w *Watch) forget(list []Endpoint) {
	for name := range w.known {
		if !slices.ContainsFunc(list, func(e Endpoint) bool { return e.Name == name }) {
			delete(w.known, name)
		}
	}
}

// note remembers since when an endpoint is out.
func (w *Watch) note(e Endpoint, now time.Time) *history {
	h := w.known[e.Name]
	if h == nil {
		h = &history{}
		w.known[e.Name] = h
	}
	switch {
	case e.Out != "":
		h.seen = now
		if h.since.IsZero() {
			h.since = now
		}
	case now.Sub(h.seen) >= min(w.After, wellAgain):
		h.since = time.Time{}
	}
	return h
}

// allowed says whether one more action is within Limit, and tells once when none is.
func (w *Watch) allowed(now time.Time) bool {
	w.acted = slices.DeleteFunc(w.acted, func(at time.Time) bool { return now.Sub(at) >= anHour })
	if len(w.acted) < w.Limit {
		w.held = false
		return true
	}
	if !w.held {
		w.held = true
		w.Events.Publish(event.Event{Kind: event.RecoveryFailed, Upstream: w.Upstream,
			Cause: fmt.Sprintf("%d actions within an hour, which is the limit", w.Limit), Action: "nothing until the hour is over",
			Evidence: map[string]any{"next": w.acted[0].Add(anHour).UTC().Format(time.RFC3339)}})
	}
	return false
}

// act does what is to be done for an endpoint, and tells how it went. why is "" where it is for how long it was out.
func (w *Watch) act(ctx context.Context, e Endpoint, why string) {
	h, began := w.known[e.Name], time.Now()
	w.acted = append(w.acted, began)
	told := event.Event{Kind: event.WouldRecover, Upstream: w.Upstream, Endpoint: e.Name, Action: w.Action.Describe(w.Upstream, e),
		Cause: why}
	if why == "" {
		told.Cause = fmt.Sprintf("%s for %s: %s", e.Out, began.Sub(h.since).Round(time.Second), e.Reason)
	}
	if !w.DryRun {
		limited, cancel := context.WithTimeout(ctx, w.Timeout)
		evidence, err := w.Action.Take(limited, w.Upstream, e)
		cancel()
		told.Kind, told.Evidence = event.Recovery, evidence
		if err != nil {
			told.Kind = event.RecoveryFailed
			told.Cause += "; the action failed: " + err.Error()
		}
		if told.Evidence == nil {
			told.Evidence = map[string]any{}
		}
		told.Evidence["took_seconds"] = time.Since(began).Seconds()
	}
	h.acted = time.Now()
	w.Events.Publish(told)
}
