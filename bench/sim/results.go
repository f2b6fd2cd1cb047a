// What became of each request.

package sim

import (
	"time"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// None stands for the endpoint of a request that was not served.
const None = -1

// Unserved is the response time of a request that was not served.
const Unserved = time.Duration(-1)

// Results are what became of the requests of a trace, in its order.
type Results struct {
	Response  []time.Duration // from arrival to the end; Unserved
	Wait      []time.Duration // from arrival until bound to an endpoint; Unserved
	First     []time.Duration // from arrival to the first token, or to the end where tokens are not told; Unserved
	Cached    []int           // tokens of its prompt that its engine remembered
	Expected  []float64       // tokens of it that the policy took for remembered when it sent the request; 0 where it does not say
	Served    []int           // by which endpoint; None
	Full      int             // refused since the queue, or with none all endpoints, were full
	TimedOut  int             // left the queue after its max_wait
	Refused   int             // by engines, whose memory they would never fit into
	Engines   []engine.State  // at the end
	endpoints int
}

func newResults(endpoints, requests int) Results {
	r := Results{
		Response: make([]time.Duration, requests), Wait: make([]time.Duration, requests),
		First: make([]time.Duration, requests), Cached: make([]int, requests), Expected: make([]float64, requests),
		Served: make([]int, requests), endpoints: endpoints,
	}
	for i := range requests {
		r.Response[i], r.Wait[i], r.First[i], r.Served[i] = Unserved, Unserved, Unserved, None
	}
	return r
}

// Mean returns the mean response time of the requests that were served; 0 with none.
func (r Results) Mean() time.Duration {
	sum, n := 0.0, 0
	for _, d := range r.Response {
		if d != Unserved {
			sum += d.Seconds()
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return time.Duration(sum / float64(n) * second)
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
