package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// ReplayOptions say where a trace is sent, and how. A field left zero takes the
// default named beside it.
type ReplayOptions struct {
	URL   string // http://HOST:PORT of a loopback address
	Path  string // default /v1/chat/completions
	Model string // "" leaves it out of the requests

	Connections int // open before the clock begins; default 32. More are opened where they are needed.
	MaxInFlight int // requests beyond it overflow; default 4096

	// Timeout ends a request so long after its intended start; 0 = never.
	Timeout time.Duration
	// Start is when the clock begins, for replays that go side by side; zero is
	// as soon as the connections are open.
	Start time.Time
	// Ended, if not nil, is added to as requests end, for whoever watches.
	Ended *atomic.Int64
}

func (o ReplayOptions) withDefaults() ReplayOptions {
	if o.Path == "" {
		o.Path = "/v1/chat/completions"
	}
	if o.Connections == 0 {
		o.Connections = 32
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = 4096
	}
	if o.Ended == nil {
		o.Ended = new(atomic.Int64)
	}
	return o
}

// startIn is how far ahead the clock begins where nobody says when: time for the
// first request to be made.
const startIn = 5 * time.Millisecond

// replay is one trace under way.
type replay struct {
	options  ReplayOptions
	requests []trace.Request
	started  time.Time
	samples  []Sample // each written by its request's connection, or by send before there is one
	messages *messages
	pool     *pool
	open     sync.WaitGroup // requests that have not ended
}

// Replay sends each request of a trace when it is meant to start, whatever
// became of those before it, and returns when the last has ended. Requests say
// how much work they are by X-Simulated-Work, and carry the trace's hint, prompt
// size and way of answering.
//
// Latency counts from the intended start. The sender keeps to it within tens of
// microseconds on a machine that is not overloaded; how late each request was
// stands in its sample. Connections are kept alive and the one used last is used
// first. When ctx ends first, what is in flight and what was not sent is
// Abandoned, and Replay returns why together with what it has.
func Replay(ctx context.Context, t trace.Trace, o ReplayOptions) (*Replayed, error) {
	o = o.withDefaults()
	host, err := parseTarget(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Connections < 0 || o.MaxInFlight < 0 {
		return nil, fmt.Errorf("load: connections %d and max in flight %d: must be positive", o.Connections, o.MaxInFlight)
	}
	r := &replay{
		options: o, requests: t.Requests, samples: make([]Sample, len(t.Requests)),
		messages: newMessages(host, o.Path, o.Model),
	}
	r.pool = newPool(ctx, r, host)
	defer r.pool.close()
	if err := r.pool.fill(o.Connections); err != nil {
		return nil, fmt.Errorf("load: connect to %s: %w", o.URL, err)
	}
	clock, err := alarm.New()
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer clock.Close()
	defer context.AfterFunc(ctx, clock.Close)()
	defer context.AfterFunc(ctx, r.pool.abort)()

	r.started = o.Start
	if r.started.IsZero() {
		r.started = time.Now().Add(startIn)
	}
	r.open.Add(len(r.requests))
	r.send(ctx, clock)
	r.open.Wait()
	return newReplayed(r), context.Cause(ctx)
}

// send makes the arrivals. Each message is written before it is due, so that
// nothing but the sending is left to do then.
func (r *replay) send(ctx context.Context, clock *alarm.Alarm) {
	for n := range r.requests {
		message := r.messages.next(&r.requests[n])
		intended := r.started.Add(r.requests[n].At)
		if time.Until(intended) > 0 {
			clock.Set(intended)
			for time.Until(intended) > 0 && clock.Wait() {
			}
		}
		if ctx.Err() != nil {
			for rest := n; rest < len(r.requests); rest++ {
				r.settle(rest, Sample{Failure: Abandoned})
			}
			return
		}
		r.samples[n].Late = time.Since(intended)
		r.pool.send(n, message)
	}
}

// deadline is when a request times out; zero when it does not.
func (r *replay) deadline(n int) time.Time {
	if r.options.Timeout == 0 {
		return time.Time{}
	}
	return r.started.Add(r.requests[n].At + r.options.Timeout)
}

// since is how long after its intended start something happened to a request.
func (r *replay) since(n int, at time.Time) time.Duration {
	return at.Sub(r.started) - r.requests[n].At
}

// settle writes how a request ended, once for each.
func (r *replay) settle(n int, s Sample) {
	s.Late = r.samples[n].Late
	r.samples[n] = s
	r.options.Ended.Add(1)
	r.open.Done()
}
