package sim

import (
	"math"
	"slices"
	"time"
)

// None stands for the endpoint of a request that was not served.
const None = -1

// Unserved is the response time of a request that was not served.
const Unserved = time.Duration(-1)

// Sample is the state of the queue at one instant.
type Sample struct {
	At       time.Duration
	Waiting  int // requests kept back by the balancer
	InFlight int // requests at the engines, in slots or waiting there
}

// Results are what became of the requests of a trace, in its order.
type Results struct {
	Response  []time.Duration // from arrival to the end; Unserved
	Wait      []time.Duration // from arrival until bound to an endpoint; Unserved
	Served    []int           // by which endpoint; None
	Full      int             // refused since the queue, or with none all endpoints, were full
	TimedOut  int             // left the queue after its max_wait
	Queue     []Sample        // at equal steps through the arrivals
	endpoints int
}

func newResults(endpoints, requests int) Results {
	r := Results{
		Response: make([]time.Duration, requests), Wait: make([]time.Duration, requests),
		Served: make([]int, requests), endpoints: endpoints,
	}
	for i := range requests {
		r.Response[i], r.Wait[i], r.Served[i] = Unserved, Unserved, None
	}
	return r
}

// Mean returns the mean response time of the requests that were served; 0 with none.
func (r Results) Mean() time.Duration { return r.MeanOf(nil) }

// MeanOf is Mean over the requests that are chosen by their index; nil chooses all.
func (r Results) MeanOf(chosen func(i int) bool) time.Duration {
	sum, n := 0.0, 0
	for i, d := range r.Response {
		if d != Unserved && (chosen == nil || chosen(i)) {
			sum += d.Seconds()
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return time.Duration(sum / float64(n) * second)
}

// Quantile returns the response time that the part q (0 to 1) of the served requests did
// not exceed; 0 with none.
func (r Results) Quantile(q float64) time.Duration { return r.QuantileOf(q, nil) }

// QuantileOf is Quantile over the requests that are chosen by their index; nil chooses all.
func (r Results) QuantileOf(q float64, chosen func(i int) bool) time.Duration {
	var served []time.Duration
	for i, d := range r.Response {
		if d != Unserved && (chosen == nil || chosen(i)) {
			served = append(served, d)
		}
	}
	if len(served) == 0 {
		return 0
	}
	slices.Sort(served)
	rank := int(math.Ceil(q*float64(len(served)))) - 1 // nearest rank
	return served[min(max(rank, 0), len(served)-1)]
}

// Counts returns how many requests each endpoint was given.
func (r Results) Counts() []int {
	counts := make([]int, r.endpoints)
	for _, e := range r.Served {
		if e != None {
			counts[e]++
		}
	}
	return counts
}

// Shares returns the part of the served requests that each endpoint was given, 0 to 1.
func (r Results) Shares() []float64 {
	shares, total := make([]float64, r.endpoints), 0
	counts := r.Counts()
	for _, n := range counts {
		total += n
	}
	for e, n := range counts {
		shares[e] = float64(n) / float64(max(total, 1))
	}
	return shares
}
