// A closed loop: users who ask, wait for the answer, think, and ask again.

package elastic

import (
	"math"
	"math/rand/v2"

	"github.com/steelyard-proxy/steelyard/bench/heap"
)

const (
	thinks = 30.0 // seconds, in the mean
	idles  = 60.0 // seconds from one look to the next, of users who are not there
)

// crowd is users of whom more or fewer are there as the day goes.
type crowd struct {
	seed  uint64
	there func(at float64) float64 // how many, of most
	most  int
	until float64 // who would ask later does not come any more

	unit   float64
	heap   heap.Heap // users by when they ask
	chance []*rand.Rand
}

// begin sends all of them to their places. What a user asks and how long he thinks depends on the seed alone, and when he
// asks on how long his answers took.
func (c *crowd) begin(unit float64) source {
	n := &crowd{seed: c.seed, there: c.there, most: c.most, until: c.until, unit: unit}
	for u := range c.most {
		n.chance = append(n.chance, rand.New(rand.NewPCG(c.seed, uint64(1000+u))))
		n.push(int32(u), n.chance[u].Float64()*(thinks+unit))
	}
	return n
}

// push has a user ask at a time, or later where he is not there then.
func (c *crowd) push(u int32, at float64) {
	for at < c.until && float64(u) >= c.there(at) {
		at += idles * (0.5 + c.chance[u].Float64())
	}
	c.heap.Push(at, u)
}

func (c *crowd) next() float64 {
	if len(c.heap) == 0 {
		return math.Inf(1)
	}
	return c.heap[0].Key
}

func (c *crowd) take() request {
	e := c.heap.Pop()
	return request{at: e.Key, service: float64(drawWork(c.chance[e.ID])) * c.unit, user: e.ID}
}

func (c *crowd) ended(q request, at float64) {
	c.push(q.user, at+thinks*c.chance[q.user].ExpFloat64())
}
