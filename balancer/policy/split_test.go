package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// response is the mean response time of independent queues with exponential work.
func response(rates, parts []float64, traffic float64) float64 {
	mean := 0.0
	for i, c := range rates {
		mean += parts[i] / (c - parts[i]*traffic)
	}
	return mean
}

// TestSplitKnownOptima holds shares and mean response times against those worked out apart
// from this code.
func TestSplitKnownOptima(t *testing.T) {
	for _, test := range []struct {
		rates    []float64
		load     float64
		used     int
		parts    []float64
		response float64
	}{
		{[]float64{1, 4}, 0.3, 1, []float64{0, 1}, 0.400},
		{[]float64{1, 4}, 0.7, 2, []float64{0.143, 0.857}, 1.143},
		{[]float64{1, 4}, 0.95, 2, []float64{0.193, 0.807}, 7.16},
		{[]float64{1, 1, 2, 4, 8}, 0.2, 2, []float64{0, 0, 0, 0.111, 0.889}, 0.203},
		{[]float64{1, 1, 2, 4, 8}, 0.5, 5, []float64{0.004, 0.004, 0.078, 0.257, 0.657}, 0.437},
		{[]float64{1, 1, 2, 4, 8}, 0.9, 5, []float64{0.056, 0.056, 0.120, 0.251, 0.517}, 2.60},
		{[]float64{4, 5, 6}, 0.5, 3, []float64{0.234, 0.332, 0.434}, 0.395},
		{[]float64{100, 200, 150}, 2. / 3, 3, []float64{58.8 / 300, 141.7 / 300, 99.5 / 300}, 0.0194},
	} {
		t.Run(fmt.Sprint(test.rates, test.load), func(t *testing.T) {
			sum := 0.0
			for _, c := range test.rates {
				sum += c
			}
			s := newSplit(candidates(t, test.rates))
			parts := make([]float64, len(test.rates))
			s.at(test.load*sum, parts)
			assert.Equal(t, test.used, s.used(test.load*sum))
			assert.InDeltaSlice(t, test.parts, parts, 0.008, "a hundredth of the proportional share is kept")
			assert.InEpsilon(t, test.response, response(test.rates, parts, test.load*sum), 0.02)
		})
	}
}

// TestSplitIsOptimal moves a little of each endpoint's requests to each other one in
// random fleets, which must never pay but for the hundredth.
func TestSplitIsOptimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		rates := unequal(2 + rng.IntN(8))
		sum := 0.0
		for i := range rates {
			rates[i] = math.Exp(rng.NormFloat64())
			sum += rates[i]
		}
		traffic := (0.02 + 0.96*rng.Float64()) * sum
		parts := make([]float64, len(rates))
		s := newSplit(candidates(t, rates))
		s.at(traffic, parts)
		least, total := response(rates, parts, traffic), 0.0
		proportional := make([]float64, len(rates))
		for i, c := range rates {
			proportional[i] = c / sum
			total += parts[i]
			require.Less(t, parts[i]*traffic, c, "nobody is given more than it sustains")
			require.GreaterOrEqual(t, parts[i], 0.98*leastPart*c/sum)
		}
		require.InDelta(t, 1, total, rounding)
		require.LessOrEqual(t, least, response(rates, proportional, traffic)*(1+rounding))
		const little = 1e-4
		for i := range rates {
			for j := range rates {
				moved := append([]float64(nil), parts...)
				moved[i] -= little
				moved[j] += little
				if i != j && moved[i] > 2*leastPart*rates[i]/sum && moved[j]*traffic < rates[j] {
					require.Greater(t, response(rates, moved, traffic), least*(1-1e-5), "rates %v at %v", rates, traffic)
				}
			}
		}
	}
}

func TestSplitAtTheEnds(t *testing.T) {
	rates := []float64{1, 4, 3}
	s := newSplit(candidates(t, rates))
	parts := make([]float64, 3)
	for _, traffic := range []float64{8, 9, 1e300, math.Inf(1)} {
		s.at(traffic, parts)
		assert.Equal(t, []float64{1. / 8, 4. / 8, 3. / 8}, parts)
	}
	s.at(7.9999, parts)
	assert.InDeltaSlice(t, []float64{1. / 8, 4. / 8, 3. / 8}, parts, 1e-4, "near the end it is near that")
	for _, traffic := range []float64{0, 1e-300, 0.01} {
		s.at(traffic, parts)
		assert.InDeltaSlice(t, []float64{0.00125, 0.995, 0.00375}, parts, 1e-4)
	}
}

// FuzzSplit holds what must be true of any capacities and traffic.
func FuzzSplit(f *testing.F) {
	f.Add(uint8(2), uint64(1), 0.5)
	f.Add(uint8(9), uint64(7), 1e-12)
	f.Fuzz(func(t *testing.T, n uint8, seed uint64, load float64) {
		if !(load >= 0) {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		rates := make([]float64, 1+n%20)
		for i := range rates {
			rates[i] = math.Ldexp(1+rng.Float64(), rng.IntN(2000)-1000)
		}
		s := newSplit(candidates(t, rates))
		parts := make([]float64, len(rates))
		s.at(math.Ldexp(load*s.sum, s.exponent), parts)
		total := 0.0
		for i, part := range parts {
			if !(part > 0) {
				t.Fatalf("rates %v at %v: part %d is %v", rates, load, i, part)
			}
			total += part
		}
		if math.Abs(total-1) > rounding {
			t.Fatalf("rates %v at %v: parts add up to %v", rates, load, total)
		}
	})
}
