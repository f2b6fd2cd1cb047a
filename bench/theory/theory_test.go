package theory

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// study is the worked example of three endpoints.
var study = []float64{100, 200, 150}

const studyRate = 300

func near(t *testing.T, want, got []float64, tolerance float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		assert.InDelta(t, want[i], got[i], tolerance, "of endpoint %d", i)
	}
}

func TestTheWorkedExample(t *testing.T) {
	even := EvenSplit(study, studyRate)
	near(t, []float64{100, 100, 100}, even.Rates, 0)
	assert.Equal(t, 1.0, even.Utilisation[0])
	assert.True(t, math.IsInf(even.Response[0], 1))
	assert.True(t, math.IsInf(even.Mean, 1), "an even split saturates the first endpoint")

	proportional := ProportionalSplit(study, studyRate)
	near(t, []float64{66.7, 133.3, 100}, proportional.Rates, 0.05)
	near(t, []float64{2. / 3, 2. / 3, 2. / 3}, proportional.Utilisation, 1e-12)
	assert.InDelta(t, 0.020, proportional.Mean, 1e-12)

	optimal := OptimalSplit(study, studyRate)
	near(t, []float64{58.8, 141.7, 99.5}, optimal.Rates, 0.05)
	assert.InDelta(t, 0.0194, optimal.Mean, 0.00005)

	assert.InDelta(t, 0.00667, PooledBound(study, studyRate), 0.00001)
}

func TestWhatWasPublished(t *testing.T) {
	claims := Published(study, studyRate)
	require.Len(t, claims, 3)

	near(t, []float64{1, 0.5, 0.67}, claims[0].Values, 0.005)
	near(t, []float64{138.5, 69.2, 92.3}, claims[0].Split.Rates, 0.05)
	assert.InDelta(t, 1.385, claims[0].Split.Utilisation[0], 0.0005)
	assert.True(t, math.IsInf(claims[0].Split.Mean, 1), "the inverse split is unstable")
	assert.Contains(t, claims[0].Wrong, "138.5, 69.23, 92.31, which gives the slowest endpoint the most: it would be 1.385 times as busy as it can be")

	near(t, []float64{3, 1.5, 2}, claims[1].Values, 1e-12)
	assert.Contains(t, claims[1].Wrong, "Their mean, 2.17, has no unit of time")

	near(t, []float64{0.22}, claims[2].Values, 0.005)
	assert.Contains(t, claims[2].Wrong, "0.22 is the utilisation T/ΣC = 0.67 over n = 3")

	light := Published(study, 30)[0]
	assert.False(t, math.IsInf(light.Split.Mean, 1))
	assert.Contains(t, light.Wrong, "the most: R = ")
}

func TestOptimumAgainstItsTable(t *testing.T) {
	wide := []float64{1, 1, 2, 4, 8}
	for _, c := range []struct {
		capacities           []float64
		load                 float64
		used                 int
		shares               []float64 // by capacity, as given
		optimum, proportions float64
		gain                 float64
	}{
		{[]float64{1, 4}, 0.3, 1, []float64{0, 1}, 0.400, 0.571, 0.30},
		{[]float64{1, 4}, 0.7, 2, []float64{0.143, 0.857}, 1.143, 1.333, 0.14},
		{[]float64{1, 4}, 0.95, 2, []float64{0.193, 0.807}, 7.16, 8.00, 0.105},
		{wide, 0.2, 2, []float64{0, 0, 0, 0.111, 0.889}, 0.203, 0.391, 0.48},
		{wide, 0.5, 5, []float64{0.004, 0.004, 0.078, 0.257, 0.657}, 0.437, 0.625, 0.30},
		{wide, 0.9, 5, []float64{0.056, 0.056, 0.120, 0.251, 0.517}, 2.60, 3.125, 0.17},
		{[]float64{4, 5, 6}, 0.5, 3, []float64{0.234, 0.332, 0.434}, 0.395, 0.400, 0.013},
	} {
		rate := c.load * sum(c.capacities)
		best := OptimalSplit(c.capacities, rate)
		used := 0
		for i, r := range best.Rates {
			assert.InDelta(t, c.shares[i], r/rate, 0.0006)
			if r > 0 {
				used++
			}
		}
		proportional := ProportionalSplit(c.capacities, rate).Mean
		assert.Equal(t, c.used, used)
		assert.InEpsilon(t, c.optimum, best.Mean, 0.002)
		assert.InEpsilon(t, c.proportions, proportional, 0.002)
		assert.InDelta(t, c.gain, 1-best.Mean/proportional, 0.006)
		assert.InDelta(t, sum(best.Rates), rate, 1e-9)
		assert.InEpsilon(t, closedOptimum(c.capacities, best.Rates, rate), best.Mean, 1e-9)
		assert.InEpsilon(t, float64(len(c.capacities))/(sum(c.capacities)-rate), proportional, 1e-9)
	}
}

// closedOptimum is R* = ((Σ√C)²/(ΣC - T) - |A|)/T over those in use.
func closedOptimum(capacities, rates []float64, rate float64) float64 {
	n, total, roots := 0.0, 0.0, 0.0
	for i, c := range capacities {
		if rates[i] > 0 {
			n, total, roots = n+1, total+c, roots+math.Sqrt(c)
		}
	}
	return (roots*roots/(total-rate) - n) / rate
}

func TestOptimumInHeavyTraffic(t *testing.T) {
	wide := []float64{1, 1, 2, 4, 8}
	const rate = 16 - 1e-6
	assert.InDelta(t, 0.85, OptimalSplit(wide, rate).Mean/ProportionalSplit(wide, rate).Mean, 0.005)
	equal := []float64{3, 3, 3}
	assert.InDelta(t, 1, OptimalSplit(equal, 8).Mean/ProportionalSplit(equal, 8).Mean, 1e-12)
	assert.Equal(t, ProportionalSplit(wide, 16), OptimalSplit(wide, 16), "no split is stable at ΣC")
	assert.True(t, math.IsInf(OptimalSplit(wide, 16).Mean, 1))
}

// TestNoSplitBeatsTheOptimum moves a little traffic from one endpoint to another.
func TestNoSplitBeatsTheOptimum(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		capacities := make([]float64, 1+chance.IntN(8))
		for i := range capacities {
			capacities[i] = math.Exp(2 * chance.NormFloat64())
		}
		rate := sum(capacities) * (0.02 + 0.96*chance.Float64())
		best := OptimalSplit(capacities, rate)
		for from := range capacities {
			for to := range capacities {
				moved := append([]float64(nil), best.Rates...)
				step := min(1e-3*rate, moved[from])
				moved[from] -= step
				moved[to] += step
				require.GreaterOrEqual(t, StaticSplit(capacities, moved).Mean, best.Mean*(1-1e-12))
			}
		}
		require.LessOrEqual(t, PooledBound(capacities, rate), PreemptiveBound(capacities, rate)*(1+1e-12))
		require.LessOrEqual(t, PreemptiveBound(capacities, rate), best.Mean*(1+1e-12))
	}
}

// thresholds returns for each endpoint the T from which on OptimalSplit gives it any:
// over those that are faster, ΣC - √C_i·Σ√C. It is 0 for the fastest.
func thresholds(capacities []float64) []float64 {
	list := make([]float64, len(capacities))
	capacity, roots := 0.0, 0.0
	for _, i := range fastestFirst(capacities) {
		list[i] = max(capacity-math.Sqrt(capacities[i])*roots, 0) // not less, by rounding
		capacity += capacities[i]
		roots += math.Sqrt(capacities[i])
	}
	return list
}

func TestThresholdsAreWhereTrafficBegins(t *testing.T) {
	capacities := []float64{1, 8, 2, 4, 1}
	list := thresholds(capacities)
	assert.Zero(t, list[1])
	for i, threshold := range list {
		if threshold > 0 {
			assert.Zero(t, OptimalSplit(capacities, threshold*(1-1e-9)).Rates[i])
		}
		assert.Positive(t, OptimalSplit(capacities, threshold+1e-6).Rates[i])
	}
	near(t, []float64{2, 0}, thresholds([]float64{1, 4}), 1e-12)
}

func TestBoundsAgainstTheirTable(t *testing.T) {
	for _, c := range []struct {
		capacities               []float64
		load                     float64
		static, pooled, preempts float64 // 0: not in the table
	}{
		{[]float64{4, 1}, 0.3, 0.400, 0.286, 0.332},
		{[]float64{4, 1}, 0.6, 0.833, 0.500, 0.543},
		{[]float64{4, 1}, 0.8, 1.750, 1.000, 1.042},
		{[]float64{4, 1}, 0.9, 3.556, 2.000, 2.041},
		{[]float64{2, 1}, 0.3, 0, 0.476, 0},
		{[]float64{2, 1}, 0.9, 0, 3.333, 0},
	} {
		rate := c.load * sum(c.capacities)
		assert.InDelta(t, c.pooled, PooledBound(c.capacities, rate), 0.0006)
		if c.static > 0 {
			assert.InDelta(t, c.static, OptimalSplit(c.capacities, rate).Mean, 0.0006)
			assert.InDelta(t, c.preempts, PreemptiveBound(c.capacities, rate), 0.0006)
		}
	}
	assert.True(t, math.IsInf(PooledBound(study, 450), 1))
	assert.True(t, math.IsInf(PreemptiveBound(study, 450), 1))
}

func TestPreemptiveBoundOfKnownQueues(t *testing.T) {
	assert.InEpsilon(t, 1.0/(5-3), PreemptiveBound([]float64{5}, 3), 1e-12, "one endpoint is M/M/1")
	// Equal endpoints are M/M/K, whether it moves requests or not.
	assert.InEpsilon(t, SlotsSplit([]float64{8}, []int{8}, []float64{7}).Mean,
		PreemptiveBound([]float64{1, 1, 1, 1, 1, 1, 1, 1}, 7), 1e-12)
	many := make([]float64, 10_000)
	for i := range many {
		many[i] = 1
	}
	assert.InEpsilon(t, SlotsSplit([]float64{10_000}, []int{10_000}, []float64{9_950}).Mean,
		PreemptiveBound(many, 9_950), 1e-9, "no overflow on a large fleet")
}

func TestSplitsAgreeWhereTheyMust(t *testing.T) {
	rates := []float64{60, 140, 100}
	want := StaticSplit(study, rates)
	for name, got := range map[string]Split{
		"first come, exponential": FirstComeSplit(study, rates, 1),
		"one slot":                SlotsSplit(study, []int{1, 1, 1}, rates),
	} {
		near(t, want.Response, got.Response, 1e-12)
		assert.InDelta(t, want.Mean, got.Mean, 1e-12, name)
	}
	// M/M/2 at half load: waiting costs a third of a service time beyond its own.
	assert.InEpsilon(t, 1*4.0/3, SlotsSplit([]float64{2}, []int{2}, []float64{1}).Mean, 1e-12)
	// M/G/1 with cv² 10: of the mean of M/M/1, 5.5 times the waiting.
	assert.InEpsilon(t, 1+5.5*1, FirstComeSplit([]float64{1}, []float64{0.5}, 10).Mean, 1e-12)
}
