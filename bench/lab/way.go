// Measuring what a request takes on its way, beside its service.

package lab

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// A request's way leads from the client through the contender to the engine and back. Theory and simulation know
// nothing of what it takes. It is measured after the trace, so that nobody learns from it: by wayRequests, each of
// wayService in the slowest slot. They come as often as those of the trace, so that the machine is as awake, and no
// more than farApart.
const (
	wayRequests = 100
	wayService  = 5 * time.Millisecond
	farApart    = 50 * time.Millisecond
)

// ways measures the way of each contender, all at the same time: the median, none where no request was answered.
func (l *Lab) ways(ctx context.Context, stands []*stand) ([]report.Number, error) {
	tr := l.wayTrace()
	services := l.services(tr.Requests[0])
	ways := make([]report.Number, len(stands))
	failed := make([]error, len(stands))
	start := time.Now().Add(startDelay)
	var replays sync.WaitGroup
	for i, s := range stands {
		replays.Go(func() {
			var r run
			r, failed[i] = s.replay(ctx, tr, start.Add(time.Duration(i)*apart))
			ways[i] = r.beside(services)
		})
	}
	replays.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, fmt.Errorf("measure the way: %w", err)
		}
	}
	return ways, nil
}

// wayTrace is what ways offers. Its requests are half to one and a half of their mean distance apart, never twice the same:
// what begins at a fixed time after another contender must not meet it each time.
func (l *Lab) wayTrace() trace.Trace {
	every := min(1/l.scenario.Rate, farApart.Seconds())
	t := trace.Trace{Name: "way"}
	at := 0.0
	for i := range wayRequests {
		_, part := math.Modf(float64(i) * math.Phi)
		at += every * (0.5 + part)
		t.Requests = append(t.Requests, trace.Request{
			At: time.Duration(at * float64(time.Second)), Work: slices.Min(l.perSlot()) * wayService.Seconds(), MaxTokens: 1,
		})
	}
	return t
}

// services are how long each engine takes for a request alone, at the speed it has when all changes were made.
func (l *Lab) services(r trace.Request) (list []time.Duration) {
	for _, e := range l.scenario.Endpoints {
		speed := e.Capacity
		for _, change := range l.scenario.Changes {
			if change.Endpoint == e.Name {
				speed = change.Capacity
			}
		}
		list = append(list, time.Duration(float64(service(e, r))*e.Capacity/speed))
	}
	return list
}

// beside is the median of what the requests took beside their service.
func (r run) beside(services []time.Duration) report.Number {
	var list []report.Number
	for i, response := range r.response {
		if e := r.served[i]; e != noEndpoint && response >= 0 {
			list = append(list, report.Number((response - services[e]).Seconds()))
		}
	}
	return figure.Median(list)
}
