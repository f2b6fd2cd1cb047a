// What a pick costs, and how exact shares are, on large fleets.

package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// ScaleOptions describes a fleet for Scale.
type ScaleOptions struct {
	Endpoints int // of capacities from 50 to 150, by Seed
	Policy    balancer.Builder
	Requests  int     // 100 for each endpoint, but 4,000 at least, when 0
	Load      float64 // T/ΣC; ⅔ when 0
	Seed      uint64
}

// ScaleResult is how a policy does on a fleet of this size.
type ScaleResult struct {
	Endpoints, Requests int
	// Misplaced is the part of the requests, 0 to 1, that were given to other endpoints than
	// shares by capacity would have it: half the sum of the differences.
	Misplaced float64
	// Farthest is the greatest difference of one endpoint from its share, in requests.
	Farthest float64
	// Cost is the real time of one Acquire and Release, with Load of the endpoints busy: the
	// least of several batches. It is the only part that differs from run to run.
	Cost time.Duration
}

// Scale serves exponential work on a fleet of any size, up to tens of thousands of
// endpoints, in virtual time, and then measures what a request costs the balancer in real
// time.
func Scale(o ScaleOptions) (ScaleResult, error) {
	if o.Endpoints < 1 {
		return ScaleResult{}, fmt.Errorf("simulate scale: endpoints must be 1 or more, is %d", o.Endpoints)
	}
	if o.Requests == 0 {
		o.Requests = max(4000, 100*o.Endpoints)
	}
	if o.Load == 0 {
		o.Load = 2.0 / 3
	}
	endpoints, total := uneven(o.Endpoints, o.Seed)
	t, err := trace.New(trace.Options{Seed: o.Seed, Requests: o.Requests, Rate: o.Load * total, Hints: trace.Hints{None: true}})
	if err != nil {
		return ScaleResult{}, fmt.Errorf("simulate scale: %w", err)
	}
	served, err := Run(Options{Endpoints: endpoints, Policy: o.Policy}, t)
	if err != nil {
		return ScaleResult{}, err
	}
	r := ScaleResult{Endpoints: o.Endpoints, Requests: o.Requests}
	for e, n := range served.Counts() {
		off := math.Abs(float64(n) - float64(o.Requests)*endpoints[e].Engine.Capacity/total)
		r.Misplaced += off / 2 / float64(o.Requests)
		r.Farthest = max(r.Farthest, off)
	}
	r.Cost, err = cost(o, endpoints)
	return r, err
}

// uneven returns endpoints of capacities from 50 to 150, and their sum.
func uneven(n int, seed uint64) (endpoints []Endpoint, total float64) {
	chance := rand.New(rand.NewPCG(seed, uint64(n)))
	endpoints = make([]Endpoint, n)
	for i := range endpoints {
		endpoints[i].Engine.Capacity = 50 + 100*chance.Float64()
		total += endpoints[i].Engine.Capacity
	}
	return endpoints, total
}

// cost measures a pool of the endpoints.
func cost(o ScaleOptions, endpoints []Endpoint) (time.Duration, error) {
	const batches, requests = 40, 5000 // a batch is over before the system gives the core to somebody else
	pool := balancer.NewPool("scale", balancer.NewLoads())
	if err := pool.Apply(balancer.Options{Policy: o.Policy}, describe(endpoints)); err != nil {
		return 0, fmt.Errorf("simulate scale: %w", err)
	}
	busy := make([]balancer.Lease, max(int(o.Load*float64(o.Endpoints)), 1)) // a ring: the oldest ends first
	least, at := time.Duration(math.MaxInt64), 0
	for range batches {
		start := time.Now()
		for range requests {
			busy[at].Release(balancer.Outcome{Class: balancer.Answered})
			lease, err := pool.Acquire(nil)
			if err != nil {
				return 0, fmt.Errorf("simulate scale: %w", err)
			}
			busy[at] = lease
			at = (at + 1) % len(busy)
		}
		least = min(least, time.Since(start)/requests)
	}
	return least, nil
}
