// Requests that go through the same thing at one speed.

package engine

import (
	"math"

	"github.com/steelyard-proxy/steelyard/bench/heap"
)

// phase is a part of service that all requests in it go through at one speed, each with work of its own. So one number,
// served, says for all what each has been given since the phase was last empty: a request of work w that came when it
// was s is through when it is s + w. Arrivals and changes of speed touch no other request.
type phase struct {
	served   float64
	requests heap.Heap // by what served is at their next event
}

// begin lets a request in, and returns what served is then.
func (p *phase) begin() float64 {
	if len(p.requests) == 0 {
		p.served = 0 // small numbers are exact
	}
	return p.served
}

func (p *phase) advance(by float64) {
	if len(p.requests) > 0 {
		p.served += by
	}
}

// left is the time until the next event, in seconds; +Inf with none.
func (p *phase) left(speed float64) float64 {
	if len(p.requests) == 0 || speed == 0 {
		return math.Inf(1)
	}
	return max(p.requests[0].Key-p.served, 0) / speed
}

// next takes out the request whose event is now. There must be one.
func (p *phase) next() (id int32) {
	first := p.requests.Pop()
	p.served = first.Key // exactly, whatever was rounded on the way
	return first.ID
}
