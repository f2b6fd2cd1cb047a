// Sending requests when they are due, whatever became of those before.

package load

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// Options say where requests are sent, and how. A field left zero takes the default named beside it.
type Options struct {
	URL   string // http://HOST:PORT of a loopback address
	Model string // "" leaves it out of the requests

	Connections int  // open before the clock begins; default 32. More are opened where they are needed.
	MaxInFlight int  // requests beyond it overflow; default 4096
	Numbered    bool // each request carries its number in NumberHeader

	// Tokens says that the trace is real inference work: a prompt has the tokens and the blocks that the trace says, four
	// bytes a token, and max_tokens is the length of the answer. All answers are streams that end with their usage.
	Tokens bool

	// Start is when the clock begins, for those who send side by side; zero is as soon as the connections are open.
	Start time.Time
}

// Failure says why a request was not answered in full; "" when it was.
type Failure string

const (
	Abandoned  Failure = "abandoned"   // the run was stopped
	Overflow   Failure = "overflow"    // not sent, since too many were in flight: the run has not measured what it was asked to
	Refused    Failure = "refused"     // no connection
	Broken     Failure = "broken"      // the connection ended before there was an answer
	Truncated  Failure = "truncated"   // the answer began and did not end as it must
	BadStatus  Failure = "bad status"  // answered with a status other than 2xx
	ErrorEvent Failure = "error event" // a stream reported an error
)

// Sample is what became of one request. Durations count from its intended start and are 0 where there was no such
// instant.
type Sample struct {
	Late     time.Duration // until it was sent: the sender's own error
	Response time.Duration // until the last byte came
	Status   int           // 0 without an answer
	ServedBy string        // X-Served-By
	Failure  Failure       // "" when it was answered in full
	Err      error         // what the failure was; nil for BadStatus, Overflow and Abandoned

	// First is until the first byte of the answer came.
	First time.Duration
	// Told says that a stream carried an error event, however it ended.
	Told bool
	// RetryAfter is that field of the answer.
	RetryAfter string

	// FirstEvent is until the first event of a stream came, which has the first token.
	FirstEvent time.Duration
	Usage      Usage // what a stream said at its end
}

// Usage is what an engine says of a request, in tokens; zeros where it says nothing.
type Usage struct{ Prompt, Cached, Answer int }

// Replay sends a trace and returns what became of each request when the last has ended. When ctx ends first, what is in
// flight and what was not sent is Abandoned, and Replay returns why together with what it has.
func Replay(ctx context.Context, t trace.Trace, o Options) ([]Sample, error) {
	samples := make([]Sample, len(t.Requests))
	for i := range samples {
		samples[i].Failure = Abandoned // until it is known better
	}
	err := Send(ctx, slices.Values(t.Requests), o, func(n int, s Sample) { samples[n] = s })
	return samples, err
}

// Send sends each request when it is meant to start, whatever became of those before it, and returns when the last has
// ended, or soon after ctx. It calls ended once for each that it came to, by number, from any goroutine.
//
// Each request carries its work as X-Simulated-Work, its hint, a prompt of its size, and whether it is to be streamed.
// On a machine that is not overloaded it is sent within tens of microseconds of its start. Connections are kept alive,
// and the one used last is used first.
func Send(ctx context.Context, requests iter.Seq[trace.Request], o Options, ended func(n int, s Sample)) error {
	host, err := parseTarget(o.URL)
	if err != nil {
		return err
	}
	if o.Connections < 0 || o.MaxInFlight < 0 {
		return fmt.Errorf("load: connections %d and max in flight %d: must be positive", o.Connections, o.MaxInFlight)
	}
	s := &sender{messages: newMessages(host, o.Model), ended: ended}
	s.messages.numbered = o.Numbered
	if o.Tokens {
		s.messages.prompts = newPrompts(o.Model)
	}
	s.pool = newPool(ctx, host, orDefault(o.MaxInFlight, 4096), s.settle)
	defer s.pool.close()
	if err := s.pool.fill(orDefault(o.Connections, 32)); err != nil {
		return fmt.Errorf("load: connect to %s: %w", o.URL, err)
	}
	if s.clock, err = alarm.New(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	defer s.clock.Close()
	defer context.AfterFunc(ctx, s.clock.Close)()
	defer context.AfterFunc(ctx, s.pool.abort)()
	s.started = o.Start
	if s.started.IsZero() {
		s.started = time.Now().Add(startIn)
	}
	s.send(ctx, requests)
	s.open.Wait()
	return context.Cause(ctx)
}

func orDefault(given, otherwise int) int {
	if given == 0 {
		return otherwise
	}
	return given
}

// startIn is how far ahead the clock begins where nobody says when: time for the first request to be made.
const startIn = 5 * time.Millisecond

// sender is one Send under way.
type sender struct {
	messages *messages
	pool     *pool
	clock    *alarm.Alarm
	started  time.Time
	open     sync.WaitGroup // requests that have not ended
	ended    func(n int, s Sample)
}

// request is one that is sent.
type request struct {
	n      int
	at     time.Time // when it is meant to start
	late   time.Duration
	stream bool // the answer is to be an event stream that ends with [DONE]
}

// send makes the arrivals. Each message is written before it is due, so that nothing but the sending is left to do then.
func (s *sender) send(ctx context.Context, requests iter.Seq[trace.Request]) {
	n := 0
	for r := range requests {
		message := s.messages.next(&r)
		next := &request{n: n, at: s.started.Add(r.At), stream: r.Stream || s.messages.prompts != nil}
		n++
		if time.Until(next.at) > 0 {
			s.clock.Set(next.at)
			for time.Until(next.at) > 0 && s.clock.Wait() {
			}
		}
		if ctx.Err() != nil {
			return
		}
		next.late = time.Since(next.at)
		s.open.Add(1)
		s.pool.send(next, message)
	}
}

// settle tells how a request ended, once for each.
func (s *sender) settle(r *request, sample Sample) {
	sample.Late = r.late
	s.ended(r.n, sample)
	s.open.Done()
}
