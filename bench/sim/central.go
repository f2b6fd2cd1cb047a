package sim

import (
	"math"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// CentralQueue is what late binding comes to without any cost: one queue before all
// engines, from which a request is bound only when a slot is free, to the one of least
// (n + ½)/C of those that have one, of equal ones the fastest. ShortestFirst
// goes by MaxTokens, with no bound on how long a request may wait. It shares no code with
// the balancer, so that one can be held against the other. What endpoints say of Limit and
// Told is ignored.
func CentralQueue(endpoints []Endpoint, t trace.Trace, order balancer.Order) (Results, error) {
	if err := validateEndpoints(endpoints); err != nil {
		return Results{}, err
	}
	l := newLoop(endpoints, t, new(Clock))
	l.run(&central{loop: l, shortest: order == balancer.ShortestFirst}, nil)
	return l.results, nil
}

type central struct {
	loop     *loop
	shortest bool
	queue    heap
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
	c.queue.push(key, i)
}

func (c *central) finish(int32) {
	if len(c.queue) > 0 {
		c.loop.serve(c.queue.pop().id, c.free())
	}
}

// free returns the engine of least (n + ½)/C with a free slot, or None.
func (c *central) free() int {
	best, least := None, math.Inf(1)
	for e := range c.loop.engines {
		engine := &c.loop.engines[e]
		if n := engine.load(); n < engine.slots {
			score := (float64(n) + 0.5) / engine.capacity
			if score < least || score == least && engine.capacity > c.loop.engines[best].capacity {
				best, least = e, score
			}
		}
	}
	return best
}

func (c *central) deadline() float64 { return math.Inf(1) }
func (c *central) expire()           {}
