// Learning the work of requests, in virtual time.

package sim

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// newLearner returns what one balancer learns the work of requests with. It takes every row: of more than its usual
// rate a part would be drawn at random, and two runs would differ.
func newLearner(seed uint64) *predict.Predictor {
	return predict.New(predict.Options{Seed: seed, MaxRate: math.MaxInt32})
}

func features(r trace.Request) predict.Features {
	return predict.Features{PromptBytes: r.PromptBytes, MaxTokens: r.MaxTokens, Stream: r.Stream}
}

// learn tells the learner of its balancer what request i was, which held its endpoint for so long.
func (f *fleet) learn(i int32, service time.Duration) {
	p := f.pool[i]
	r, e := f.loop.trace.Requests[i], f.told[p][f.loop.results.Served[i]]
	f.learners[p].Finished(predict.Row{
		Features: features(r), Work: service.Seconds() * e.Capacity / float64(max(e.Slots, 1)),
		Service: service, Class: f.outcome.Class.String(), Status: f.outcome.Status,
	})
}

// looks lets the learners learn as often as they do in a program that runs.
func (f *fleet) looks() (changes []change) {
	for at := predict.LookEvery; f.learners != nil && at < f.loop.trace.Duration(); at += predict.LookEvery {
		changes = append(changes, change{at: at.Seconds(), make: func() {
			for _, l := range f.learners {
				l.Look(time.Unix(0, 0).Add(at))
			}
		}})
	}
	return changes
}
