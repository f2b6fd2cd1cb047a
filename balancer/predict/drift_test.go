package predict

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRescale(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		capacities []float64
		sum        float64
		want       []float64
	}{
		{[]float64{1, 2, 1}, 400, []float64{100, 200, 100}},
		{[]float64{100, 300}, 200, []float64{50, 150}},
		{[]float64{1, nan, 3}, 6, []float64{1, 2, 3}},
		{[]float64{0, -4, inf, 5}, 8, []float64{2, 2, 2, 2}},
		{[]float64{nan, 0}, 200, []float64{100, 100}},
		{[]float64{math.MaxFloat64, math.MaxFloat64}, 2, []float64{1, 1}},
		{[]float64{math.SmallestNonzeroFloat64}, 7, []float64{7}},
		{nil, 100, nil},
	} {
		Rescale(c.capacities, c.sum)
		require.InDeltaSlice(t, append([]float64{}, c.want...), append([]float64{}, c.capacities...), 1e-9)
	}
}

// speeds is a capacity estimator as simple as can be: predicted work over service time, both
// of late. Its bias stands for whatever a real one gets wrong.
type speeds struct {
	capacities []float64
	work, time []float64 // decaying sums
	bias       float64
}

func (s *speeds) finished(endpoint int, work, service float64) {
	const keep = 1 - 1.0/2000
	s.work[endpoint] = keep*s.work[endpoint] + work
	s.time[endpoint] = keep*s.time[endpoint] + service
}

func (s *speeds) estimate() {
	for i := range s.capacities {
		if s.time[i] > 0 {
			s.capacities[i] = s.work[i] / s.time[i] * s.bias
		}
	}
}

// learnTogether serves n requests on endpoints of capacities 50, 100 and 75 that are believed
// to be alike at first. Predictor and estimator have only each other to learn from. It returns
// the capacities as they are believed at the end, and what a certain request is predicted to
// be after a tenth of them and at the end.
func learnTogether(n int, rescale bool) (capacities []float64, early, late float64) {
	truth := []float64{50, 100, 75}
	s := &speeds{capacities: []float64{75, 75, 75}, work: make([]float64, 3), time: make([]float64, 3), bias: 1.02}
	p, random, requests := New(Options{}), newRandom(12), linear(0.3)
	model, certain := []byte("m"), Features{PromptBytes: 4000, MaxTokens: 500}
	for i := range n {
		f, work := requests(random)
		endpoint := random.IntN(len(truth))
		service := work / truth[endpoint]
		s.finished(endpoint, p.Work(model, f), service)
		p.take(&Row{Model: "m", Features: f, Work: service * s.capacities[endpoint], Class: "answered", Status: 200})
		if i%1000 == 999 {
			p.learn()
			s.estimate()
			if rescale {
				Rescale(s.capacities, 225)
			}
		}
		if i == n/10 {
			early = p.Work(model, certain)
		}
	}
	return s.capacities, early, p.Work(model, certain)
}

// TestPredictorAndCapacitiesDoNotDrift learns both from each other over a million requests.
func TestPredictorAndCapacitiesDoNotDrift(t *testing.T) {
	requests := 1_000_000
	if raceEnabled { // which has nothing to see here: it all happens on one goroutine
		requests = 100_000
	}
	capacities, early, late := learnTogether(requests, true)
	require.InDelta(t, 225, capacities[0]+capacities[1]+capacities[2], 1e-6)
	for i, want := range []float64{50, 100, 75} {
		require.InEpsilon(t, want, capacities[i], 0.03)
	}
	const work = 2 + 1 + 5 // of the request in the world's own unit, which is that of the true capacities
	require.InEpsilon(t, work, early, 0.05)
	require.InEpsilon(t, work, late, 0.05)
}

// TestTheScaleRunsAwayUnlessItIsHeld shows what Rescale is for, and that the test above can fail.
func TestTheScaleRunsAwayUnlessItIsHeld(t *testing.T) {
	capacities, early, late := learnTogether(100_000, false)
	require.Greater(t, capacities[0]+capacities[1]+capacities[2], 2*225.0)
	require.Greater(t, late, 1.2*early)
}
