package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// hinted predicts from what the client says, and nothing else.
func hinted(r trace.Request) float64 { return float64(r.MaxTokens) }

// of are the results of the requests that are chosen by their index.
func (r Results) of(chosen func(i int) bool) Results {
	r.Response = slices.Clone(r.Response)
	for i := range r.Response {
		if !chosen(i) {
			r.Response[i] = Unserved
		}
	}
	return r
}

// shares are the parts of the served requests that each endpoint was given, 0 to 1.
func (r Results) shares() []float64 {
	shares, total := make([]float64, r.endpoints), 0
	for _, n := range r.Counts() {
		total += n
	}
	for e, n := range r.Counts() {
		shares[e] = float64(n) / float64(max(total, 1))
	}
	return shares
}

// look is how many requests there are at one instant: kept back by a balancer, or at an engine.
type look struct {
	at                time.Duration
	waiting, inFlight int
}

// lookedAt are looks at a thousand instants of the arrivals.
func lookedAt(made trace.Trace, r Results) (list []look) {
	for k := range 1000 {
		l := look{at: made.Duration() * time.Duration(k) / 1000}
		for i, asked := range made.Requests {
			switch since := l.at - asked.At; {
			case r.Response[i] == Unserved || since < 0 || since >= r.Response[i]:
			case since < r.Wait[i]:
				l.waiting++
			default:
				l.inFlight++
			}
		}
		list = append(list, l)
	}
	return list
}

func TestResults(t *testing.T) {
	r := Results{Response: []time.Duration{4, Unserved, 1, 3, 2}, Served: []int{0, None, 1, 1, 1}, endpoints: 3}
	assert.Equal(t, time.Duration(2), r.Mean())
	assert.Zero(t, r.of(func(int) bool { return false }).Mean())
	assert.Equal(t, []int{1, 3, 0}, r.Counts())
}
