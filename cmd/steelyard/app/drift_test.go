package app_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
)

// together is a predictor and a measurement that have only each other to learn from: work is
// learned as service time × capacity, and capacity as work / service time, so that any common
// factor would fit both, and the smallest bias of either could grow without end.
type together struct {
	truth     []float64 // capacities, in units of work per second
	bias      float64   // by which work is taken for too much, as it stands for whatever is got wrong
	random    *rand.Rand
	estimate  *estimate.Upstream
	predictor *predict.Predictor
	values    []estimate.Value
}

// request is served by an endpoint of one slot.
func (g *together) request() {
	f := predict.Features{PromptBytes: 4 + g.random.IntN(8000), MaxTokens: 1 + g.random.IntN(600)}
	work := workOf(f) * (0.85 + 0.3*g.random.Float64())
	e := g.random.IntN(len(g.truth))
	service := time.Duration(work / g.truth[e] * float64(time.Second))
	g.estimate.Meter(e).Finished(g.predictor.Size([]byte("m"), f), service, 1)
	believed := service.Seconds() * g.values[e].Capacity / float64(g.values[e].AtOnce)
	g.predictor.Finished(predict.Row{Model: "m", Features: f, Work: g.bias * believed, Class: "answered", Status: 200})
}

// workOf is the truth, in the unit of the true capacities.
func workOf(f predict.Features) float64 {
	return 2 + 0.001*float64(f.PromptBytes)/4 + 0.01*float64(f.MaxTokens)
}

// TestPredictionsAndCapacitiesDoNotDrift lets both learn from each other over a million
// requests, beginning with endpoints that are believed to be alike.
func TestPredictionsAndCapacitiesDoNotDrift(t *testing.T) {
	seconds := 1000
	if raceEnabled { // which has nothing to see here
		seconds = 100
	}
	synctest.Test(t, func(t *testing.T) {
		auto := estimate.Options{Capacity: 75, AutoCapacity: true, Slots: 1}
		g := &together{
			truth: []float64{50, 100, 75}, bias: 1.02, random: rand.New(rand.NewPCG(12, 0)),
			estimate: estimate.New([]estimate.Options{auto, auto, auto}), predictor: predict.New(predict.Options{}),
		}
		g.values = g.estimate.Values()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.predictor.Run(ctx) }()
		certain := predict.Features{PromptBytes: 4000, MaxTokens: 300}
		for _, part := range []int{1, 9} {
			for range part * seconds / 10 {
				for i := range 1000 {
					g.request()
					if i%100 == 99 {
						time.Sleep(time.Second / 10)
					}
				}
				g.values = g.estimate.Tick(time.Second)
			}
			sum := 0.0
			for i, v := range g.values {
				require.InEpsilon(t, g.truth[i], v.Capacity, 0.03)
				sum += v.Capacity
			}
			require.InDelta(t, 225, sum, 1e-6)
			require.InEpsilon(t, g.bias*workOf(certain), g.predictor.Work([]byte("m"), certain), 0.03)
		}
		cancel()
		require.NoError(t, <-ended)
	})
}
