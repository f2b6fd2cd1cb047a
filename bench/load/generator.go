package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// defaultMaxInFlight bounds the requests in flight where Options does not.
const defaultMaxInFlight = 1024

// Options say what to send, how often and for how long.
type Options struct {
	Rate     float64       // mean arrivals per second, > 0
	Requests int           // arrivals to make, overflow included; 0 = no limit
	Duration time.Duration // no arrival is meant to start later than this; 0 = no limit

	MaxInFlight int    // arrivals beyond it overflow; default 1024
	Seed        uint64 // of the arrivals and of the draws given to Next

	// Next makes the n-th request (from 0). It is called from one goroutine, for
	// every arrival in order, so a seed always gives the same trace.
	Next func(n int, draws *rand.Rand) Request
	// Send carries one request to its end. It is called from many goroutines and
	// must return soon after its context ends.
	Send func(ctx context.Context, r Request) Answer
}

func (o Options) check() error {
	var problems []error
	if !(o.Rate > 0) || math.IsInf(o.Rate, 1) {
		problems = append(problems, fmt.Errorf("rate %v: must be a positive number of requests per second", o.Rate))
	}
	if o.Requests < 0 {
		problems = append(problems, fmt.Errorf("requests %d: must not be negative", o.Requests))
	}
	if o.Duration < 0 {
		problems = append(problems, fmt.Errorf("duration %v: must not be negative", o.Duration))
	}
	if o.MaxInFlight < 0 {
		problems = append(problems, fmt.Errorf("max in flight %d: must not be negative", o.MaxInFlight))
	}
	if o.Next == nil || o.Send == nil {
		problems = append(problems, errors.New("Next and Send: both must be given"))
	}
	if problems != nil {
		return fmt.Errorf("load: %w", errors.Join(problems...))
	}
	return nil
}

// Generator offers one load. Run may be called once; Results from any
// goroutine, while it runs and after.
type Generator struct {
	options  Options
	inFlight atomic.Int64 // added to by Run, taken from by each request's goroutine
	recorder *recorder
}

// New checks the options.
func New(o Options) (*Generator, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = defaultMaxInFlight
	}
	return &Generator{options: o, recorder: newRecorder()}, nil
}

// Run makes the arrivals and returns when the last request has ended. When ctx
// ends first it stops at once: requests in flight lose their context and are
// counted as abandoned, which is no error.
func (g *Generator) Run(ctx context.Context) error {
	var requests sync.WaitGroup
	arrivals := newPoisson(g.options.Rate, g.options.Seed)
	draws := rand.New(rand.NewPCG(g.options.Seed, requestStream))
	start := time.Now()
	g.recorder.begin(start)

	next := start
	for n := 0; g.options.Requests == 0 || n < g.options.Requests; n++ {
		next = next.Add(arrivals.next())
		intended := next // one variable to each request: its goroutine keeps it
		if g.options.Duration > 0 && intended.Sub(start) > g.options.Duration {
			break
		}
		if !sleepUntil(ctx, intended) {
			break
		}
		request := g.options.Next(n, draws)
		g.recorder.offered(time.Since(intended))
		if g.inFlight.Load() >= int64(g.options.MaxInFlight) {
			g.recorder.overflowed()
			continue
		}
		g.inFlight.Add(1)
		requests.Go(func() {
			defer g.inFlight.Add(-1)
			g.carry(ctx, request, intended)
		})
	}
	requests.Wait()
	g.recorder.end(time.Now())
	return nil
}

// carry sends one request and settles it.
func (g *Generator) carry(ctx context.Context, r Request, intended time.Time) {
	answer := g.options.Send(ctx, r)
	ended := time.Now()
	if ctx.Err() != nil && answer.Failure != "" {
		answer.Failure = Abandoned // whatever it looks like, it was us
	}
	g.recorder.settle(answer, intended, ended)
}

// Results is a copy of what was measured so far.
func (g *Generator) Results() Results { return g.recorder.results() }

// sleepUntil reports whether the instant came before ctx ended. An instant in
// the past has come, so a sender that fell behind catches up at once.
func sleepUntil(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// The streams of the generators that one seed feeds: arrivals stay the same
// whatever the requests draw.
const (
	arrivalStream = 1
	requestStream = 2
)

// poisson makes the gaps of a Poisson process, which are exponential with mean
// 1/rate.
type poisson struct {
	draws *rand.Rand
	mean  float64 // nanoseconds
}

func newPoisson(rate float64, seed uint64) *poisson {
	return &poisson{draws: rand.New(rand.NewPCG(seed, arrivalStream)), mean: float64(time.Second) / rate}
}

func (p *poisson) next() time.Duration {
	return time.Duration(p.draws.ExpFloat64() * p.mean)
}
