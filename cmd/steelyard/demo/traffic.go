// The demo's load, and what its client saw.

package demo

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// loadRatio is the load as a part of what the servers can do together.
const loadRatio = 0.2

func loadRate() float64 {
	sum := 0.0
	for _, c := range capacities {
		sum += c.capacity
	}
	return loadRatio * sum
}

// arrivals are an endless Poisson process. Half of the requests stream; their mean size is one unit of work.
func arrivals() iter.Seq[trace.Request] {
	return func(yield func(trace.Request) bool) {
		draws := rand.New(rand.NewPCG(1, 0))
		for at := 0.0; ; {
			at += draws.ExpFloat64() / loadRate()
			if !yield(request(at, draws)) {
				return
			}
		}
	}
}

// request is one that comes so many seconds after the start.
func request(at float64, draws *rand.Rand) trace.Request {
	tokens := 1 + draws.IntN(2*unitTokens-1) // unitTokens in the mean
	return trace.Request{
		At: time.Duration(at * float64(time.Second)), Work: float64(tokens) / unitTokens, MaxTokens: tokens,
		PromptBytes: len("Weigh this."), Stream: draws.IntN(2) == 0,
	}
}

// traffic is the load, and what its client has seen since the start.
type traffic struct {
	target   string
	arrivals iter.Seq[trace.Request]

	mu       sync.Mutex // guards the fields below; each request adds to them when it ends
	answered int        // in full
	failed   map[load.Failure]int
	response *hdrhistogram.Histogram // of answers in full, microseconds to three digits
}

// longestResponse is where the histogram ends; what is longer counts as that.
const longestResponse = 10 * time.Minute

func newTraffic(bound net.Addr) (*traffic, error) {
	target, err := loadTarget(bound)
	return &traffic{target: target, arrivals: arrivals(), failed: map[load.Failure]int{}, response: hdrhistogram.New(1, longestResponse.Microseconds(), 3)}, err
}

// run sends until ctx ends.
func (t *traffic) run(ctx context.Context) error {
	return load.Send(ctx, t.arrivals, load.Options{URL: t.target, Model: backend.DefaultModel, Connections: 1}, t.ended)
}

func (t *traffic) ended(_ int, s load.Sample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.Failure != "" {
		t.failed[s.Failure]++
		return
	}
	t.answered++
	_ = t.response.RecordValue(min(s.Response, longestResponse).Microseconds()) // in its range
}

// line is what the client saw since the start, in 80 columns where nothing failed.
func (t *traffic) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := func(quantile float64) string {
		return milliseconds(time.Duration(t.response.ValueAtQuantile(quantile)) * time.Microsecond)
	}
	line := fmt.Sprintf("The load's client saw: %d answered, R p50 %s, p99 %s, failed %s",
		t.answered, at(50), at(99), failures(t.failed))
	if n := t.failed[load.Overflow]; n > 0 {
		line += fmt.Sprintf(", not sent for lack of room %d", n)
	}
	return line
}

// failures are counted out in a fixed order.
func failures(failed map[load.Failure]int) string {
	var parts []string
	for _, kind := range []load.Failure{load.Refused, load.Broken, load.Truncated, load.BadStatus, load.ErrorEvent} {
		if n := failed[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if parts == nil {
		return "0"
	}
	return strings.Join(parts, ", ")
}
