// One queue before all engines, as the ideal to compare with.

package sim

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/bench/heap"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// CentralQueue is late binding without any cost. There is one queue before all engines, and a
// request leaves it when a slot is free: for the engine of least (n + ½)/C among those that have
// one, and of equal ones for the fastest. ShortestFirst goes by MaxTokens, with no bound on how
// long a request may wait. It shares no code with the balancer, so that one can be held against the
// other. Limit and Told of the endpoints are ignored; prompt is as in Options.
func CentralQueue(endpoints []Endpoint, prompt func(trace.Request) int, t trace.Trace, order balancer.Order) (Results, error) {
	if err := validateEndpoints(endpoints); err != nil {
		return Results{}, err
	}
	l := newLoop(endpoints, prompt, t, new(Clock))
	l.run(&central{loop: l, endpoints: endpoints, shortest: order == balancer.ShortestFirst}, nil)
	return l.results, nil
}

type central struct {
	loop      *loop
	endpoints []Endpoint
	shortest  bool
	queue     heap.Heap
}

func (c *central) arrive(i int32) {
	if e := c.free(); e != None {
		c.loop.serve(i, e) // whoever waits does so because nothing was free
		return
	}
	key := 0.0
	if c.shortest {
		key = float64(c.loop.trace.Requests[i].MaxTokens)
	}
	c.queue.Push(key, i)
}

func (c *central) finish(int32) {
	if len(c.queue) > 0 {
		c.loop.serve(c.queue.Pop().ID, c.free())
	}
}

// free returns the engine of least (n + ½)/C with a free slot, or None.
func (c *central) free() int {
	best, least := None, math.Inf(1)
	for e := range c.loop.engines {
		capacity := c.loop.engines[e].Capacity()
		if n := c.loop.engines[e].State().Load(); n < max(c.endpoints[e].Engine.Slots, 1) {
			score := (float64(n) + 0.5) / capacity
			if score < least || score == least && capacity > c.loop.engines[best].Capacity() {
				best, least = e, score
			}
		}
	}
	return best
}

func (c *central) deadline() float64 { return math.Inf(1) }
func (c *central) expire()           {}
