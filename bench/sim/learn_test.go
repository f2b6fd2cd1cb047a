package sim

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// TestLearnsWhatHintsAreWorth: hints that are true make shortest_first win, those without meaning cost nothing against
// first come, and those that say the opposite do not mislead it, as they do whoever goes by them as they are.
func TestLearnsWhatHintsAreWorth(t *testing.T) {
	const seeds = 3
	mean := func(o trace.Options, opposite bool, run Options) (sum float64) {
		run.Endpoints, run.Policy = trio(1), policy.LeastLoad()
		for seed := range uint64(seeds) {
			o.Seed, o.Requests, o.Rate, o.Work = seed+1, 20_000, 150, trace.Heavy
			made := asked(t, o)
			for i := range made.Requests {
				if r := &made.Requests[i]; opposite {
					r.MaxTokens = max(10_000-r.MaxTokens, 1)
				}
			}
			sum += ms(ran(t, run, made)) / seeds
		}
		return sum
	}
	learn := Options{Queue: endless(balancer.ShortestFirst), Learn: true}
	fifo := mean(trace.Options{}, false, Options{Queue: endless(balancer.FIFO)})
	assert.Less(t, mean(trace.Options{}, false, learn), 0.6*fifo, "true hints")
	assert.Less(t, mean(trace.Options{Hints: trace.Hints{Noise: 0.7}}, false, learn), 0.7*fifo)
	assert.Less(t, mean(trace.Options{Hints: trace.Hints{Random: true}}, false, learn), 1.02*fifo, "hints without meaning")
	assert.InEpsilon(t, fifo, mean(trace.Options{Hints: trace.Hints{None: true}}, false, learn), 0.02)
	assert.Less(t, mean(trace.Options{}, true, learn), 0.7*fifo, "hints that say the opposite")
	assert.Greater(t, mean(trace.Options{}, true, Options{Queue: endless(balancer.ShortestFirst), Work: hinted}), fifo, "or this shows nothing")
}

func TestEqualLearningIsEqual(t *testing.T) {
	made := asked(t, trace.Options{Seed: 1, Requests: 10_000, Rate: 190, Work: trace.Heavy, Hints: trace.Hints{Noise: 0.5}})
	o := Options{Endpoints: trio(1), Policy: policy.LeastLoad(), Queue: endless(balancer.ShortestFirst), Balancers: 2, Seed: 9, Learn: true}
	assert.Equal(t, ran(t, o, made), ran(t, o, made))
	o.status = 500
	ran(t, o, made) // there is nothing to learn from, which is no error
}
