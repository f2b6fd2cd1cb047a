package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// rounding is what floating point may add to a bound that holds exactly in real numbers.
const rounding = 1e-9

// options makes one endpoint for each capacity, named by its index.
func options(capacities []float64) []balancer.EndpointOptions {
	endpoints := make([]balancer.EndpointOptions, len(capacities))
	for i, c := range capacities {
		endpoints[i] = balancer.EndpointOptions{Name: fmt.Sprint(i), URL: fmt.Sprintf("http://10.0.0.1:%d", i+1), Capacity: c}
	}
	return endpoints
}

func newPool(t testing.TB, b balancer.Builder, capacities []float64) *balancer.Pool {
	t.Helper()
	pool := balancer.NewPool("test", balancer.NewLoads())
	if err := pool.Apply(balancer.Options{Policy: b}, options(capacities)); err != nil {
		t.Fatal(err)
	}
	return pool
}

// candidates makes eligible endpoints of these capacities.
func candidates(t testing.TB, capacities []float64) []balancer.Candidate {
	t.Helper()
	var list []balancer.Candidate
	for _, e := range newPool(t, Capacity(CapacityOptions{}), capacities).Snapshot().Endpoints {
		list = append(list, balancer.Candidate{Endpoint: e.Endpoint, Capacity: e.Capacity})
	}
	return list
}

// unequal returns n capacities between 1 and 10, the same each time.
func unequal(n int) []float64 {
	rng := rand.New(rand.NewPCG(7, 11))
	capacities := make([]float64, n)
	for i := range capacities {
		capacities[i] = 1 + 9*rng.Float64()
	}
	return capacities
}

// group returns n equal capacities.
func group(n int, capacity float64) []float64 {
	capacities := make([]float64, n)
	for i := range capacities {
		capacities[i] = capacity
	}
	return capacities
}

// tally follows how far each endpoint is from its share, at every prefix of the requests
// counted. Between two of its requests an endpoint only falls behind, so looking just
// before and just after each is looking at every prefix.
type tally struct {
	share    []float64
	had      []float64
	total    float64
	low, top []float64 // furthest behind and ahead so far
}

func newTally(capacities []float64) *tally {
	sum := 0.0
	for _, c := range capacities {
		sum += c
	}
	n := len(capacities)
	t := &tally{share: make([]float64, n), had: make([]float64, n), low: make([]float64, n), top: make([]float64, n)}
	for i, c := range capacities {
		t.share[i] = c / sum
	}
	return t
}

func (t *tally) count(i int) {
	t.low[i] = min(t.low[i], t.had[i]-t.share[i]*t.total)
	t.total++
	t.had[i]++
	t.top[i] = max(t.top[i], t.had[i]-t.share[i]*t.total)
}

// furthest returns the largest distance from a share at any prefix, and within any window
// of requests.
func (t *tally) furthest() (prefix, window float64) {
	for i := range t.had {
		low := min(t.low[i], t.had[i]-t.share[i]*t.total)
		prefix = max(prefix, math.Abs(low), t.top[i])
		window = max(window, t.top[i]-low)
	}
	return prefix, window
}
