package policy

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// simulated is what a simulation saw.
type simulated struct {
	mean   float64   // response time, seconds
	served []float64 // requests by endpoint
}

// simulate sends requests, a Poisson stream of exponential work of mean 1, to first-come
// servers of these speeds. Equal seeds are equal requests, whatever the policy. The first
// tenth is not counted.
func simulate(t testing.TB, b balancer.Builder, speeds []float64, rate float64, requests int, seed uint64) simulated {
	t.Helper()
	picker := b.Build(candidates(t, speeds))
	counter, counts := picker.(balancer.Counter)
	rng := rand.New(rand.NewPCG(seed, 0))
	leaving := newIndexHeap(len(speeds)) // the next departure of each busy server
	ends := make([][]float64, len(speeds))
	s := simulated{served: make([]float64, len(speeds))}
	now, sum, counted := 0.0, 0.0, 0
	for k := range requests {
		now += rng.ExpFloat64() / rate
		work := rng.ExpFloat64()
		for !leaving.empty() && leaving.least().key <= now {
			i := leaving.least().id
			ends[i] = ends[i][1:]
			if len(ends[i]) > 0 {
				leaving.raise(ends[i][0])
			} else {
				leaving.remove(i)
			}
			if counts {
				counter.Count(int(i), int64(len(ends[i])))
			}
		}
		i, ok := picker.Pick(nil)
		require.True(t, ok)
		start := now
		if n := len(ends[i]); n > 0 {
			start = ends[i][n-1]
		}
		end := start + work/speeds[i]
		if ends[i] = append(ends[i], end); len(ends[i]) == 1 {
			leaving.push(int32(i), end)
		}
		if counts {
			counter.Count(i, int64(len(ends[i])))
		}
		if k >= requests/10 {
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
// for its stationary distribution. It goes up to states too rare to matter at a load of 0.9.
func chain(t testing.TB, b balancer.Builder, speeds [2]float64, rate float64) float64 {
	t.Helper()
	if raceEnabled {
		t.Skip("arithmetic in one goroutine, and slow under the race detector")
	}
	const most0, most1 = 240, 120
	type state struct{ n0, n1 int }
	at := func(s state) int { return s.n0*(most1+1) + s.n1 }
	picker := b.Build(candidates(t, speeds[:]))
	goes := make([]int, (most0+1)*(most1+1)) // the state after an arrival
	for n0 := range most0 + 1 {
		picker.(balancer.Counter).Count(0, int64(n0))
		for n1 := range most1 + 1 {
			picker.(balancer.Counter).Count(1, int64(n1))
			i, _ := picker.Pick(nil)
			next := state{n0, n1}
			switch {
			case i == 0 && n0 < most0:
				next.n0++
			case i == 1 && n1 < most1:
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
		for n0 := range most0 + 1 {
			for n1 := range most1 + 1 {
				s := at(state{n0, n1})
				p := now[s] / all
				if p < 1e-18 {
					continue
				}
				next[goes[s]] += p * rate
				next[at(state{max(n0-1, 0), n1})] += p * speeds[0]
				next[at(state{n0, max(n1-1, 0)})] += p * speeds[1]
			}
		}
		now, next = next, now
		if round%200 > 0 {
			continue
		}
		before := mean
		mean = 0
		for s, p := range now {
			mean += p * float64(s/(most1+1)+s%(most1+1))
		}
		mean /= rate // Little's law
		if mean-before < 1e-6*mean {
			return mean
		}
	}
}
