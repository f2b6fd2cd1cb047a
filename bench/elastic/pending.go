// Requests that are served, by when they end.

package elastic

import (
	"math"

	"github.com/steelyard-proxy/steelyard/bench/heap"
)

// pending is ready to use when it is empty.
type pending struct {
	heap   heap.Heap
	list   []request
	unused []int32
}

func (p *pending) next() float64 {
	if len(p.heap) == 0 {
		return math.Inf(1)
	}
	return p.heap[0].Key
}

func (p *pending) push(q request, end float64) {
	place := int32(len(p.list))
	if n := len(p.unused); n > 0 {
		place, p.unused = p.unused[n-1], p.unused[:n-1]
		p.list[place] = q
	} else {
		p.list = append(p.list, q)
	}
	p.heap.Push(end, place)
}

func (p *pending) pop() (request, float64) {
	e := p.heap.Pop()
	p.unused = append(p.unused, e.ID)
	return p.list[e.ID], e.Key
}
