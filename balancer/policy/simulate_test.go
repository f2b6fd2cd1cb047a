package policy

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// workload is a Poisson stream of requests with exponential work of mean 1. Equal ones are
// the same requests, whatever the policy.
type workload struct {
	speeds    []float64      // of the endpoints, first-come servers
	rate      float64        // requests per second
	requests  int            // the first tenth is not counted
	balancers int            // that see a part of the requests each, drawn at random; 0 is 1
	clock     *time.Duration // follows the simulated time, if it is not nil
}

// simulated is what a simulation saw.
type simulated struct {
	mean   float64   // response time, seconds
	served []float64 // requests by endpoint
}

// front is one balancer of a simulation.
type front struct {
	picker  balancer.Picker
	counter balancer.Counter // nil if it does not count
	has     []int64          // by endpoint: its own requests there
}

func (f *front) count(i int, add int64) {
	f.has[i] += add
	if f.counter != nil {
		f.counter.Count(i, f.has[i])
	}
}

// visit is a request at an endpoint.
type visit struct {
	end  float64
	from *front
}

func simulate(t testing.TB, b balancer.Builder, w workload) simulated {
	t.Helper()
	skipUnderRace(t)
	fronts := make([]front, max(1, w.balancers))
	for i := range fronts {
		fronts[i] = front{picker: b.Build(candidates(t, w.speeds)), has: make([]int64, len(w.speeds))}
		fronts[i].counter, _ = fronts[i].picker.(balancer.Counter)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	leaving := newIndexHeap(len(w.speeds)) // the next departure of each busy endpoint
	at := make([][]visit, len(w.speeds))
	s := simulated{served: make([]float64, len(w.speeds))}
	now, sum, counted := 0.0, 0.0, 0
	for k := range w.requests {
		now += rng.ExpFloat64() / w.rate
		if w.clock != nil {
			*w.clock = time.Duration(now * float64(time.Second))
		}
		work := rng.ExpFloat64()
		from := &fronts[rng.IntN(len(fronts))]
		for !leaving.empty() && leaving.least().key <= now {
			i := leaving.least().id
			at[i][0].from.count(int(i), -1)
			at[i] = at[i][1:]
			if len(at[i]) > 0 {
				leaving.raise(at[i][0].end)
			} else {
				leaving.remove(i)
			}
		}
		i, ok := from.picker.Pick(nil)
		if !ok {
			t.Fatal("nobody was picked")
		}
		start := now
		if n := len(at[i]); n > 0 {
			start = at[i][n-1].end
		}
		end := start + work/w.speeds[i]
		if at[i] = append(at[i], visit{end, from}); len(at[i]) == 1 {
			leaving.push(int32(i), end)
		}
		from.count(i, 1)
		if k >= w.requests/10 {
			sum += end - now
			counted++
			s.served[i]++
		}
	}
	s.mean = sum / float64(counted)
	return s
}

// chain returns the exact mean response time of two first-come servers with exponential
// work and Poisson arrivals: the picker is asked in each state, and the chain is solved
// for its stationary distribution, up to numbers in flight as rare as one in a billion.
func chain(t testing.TB, b balancer.Builder, speeds [2]float64, rate float64) float64 {
	t.Helper()
	skipUnderRace(t)
	most := int(5 + math.Log(1e-9)/math.Log(rate/(speeds[0]+speeds[1])))
	type state struct{ n0, n1 int }
	at := func(s state) int { return s.n0*(most+1) + s.n1 }
	picker := b.Build(candidates(t, speeds[:]))
	goes := make([]int, (most+1)*(most+1)) // the state after an arrival
	for n0 := range most + 1 {
		picker.(balancer.Counter).Count(0, int64(n0))
		for n1 := range most + 1 {
			picker.(balancer.Counter).Count(1, int64(n1))
			i, _ := picker.Pick(nil)
			next := state{n0, n1}
			switch {
			case i == 0 && n0 < most:
				next.n0++
			case i == 1 && n1 < most:
				next.n1++
			}
			goes[at(state{n0, n1})] = at(next)
		}
	}
	all := rate + speeds[0] + speeds[1]
	now, next := make([]float64, len(goes)), make([]float64, len(goes))
	now[0] = 1
	mean := 0.0
	for round := 1; ; round++ {
		clear(next)
		for n0 := range most + 1 {
			for n1 := range most + 1 {
				s := at(state{n0, n1})
				p := now[s] / all
				if p < 1e-15 {
					continue
				}
				next[goes[s]] += p * rate
				next[at(state{max(n0-1, 0), n1})] += p * speeds[0]
				next[at(state{n0, max(n1-1, 0)})] += p * speeds[1]
			}
		}
		now, next = next, now
		if round%100 > 0 {
			continue
		}
		before := mean
		mean = 0
		for s, p := range now {
			mean += p * float64(s/(most+1)+s%(most+1))
		}
		mean /= rate // Little's law
		if mean-before < 1e-5*mean {
			return mean
		}
	}
}

func skipUnderRace(t testing.TB) {
	if raceEnabled {
		t.Skip("arithmetic in one goroutine, and slow under the race detector")
	}
}
