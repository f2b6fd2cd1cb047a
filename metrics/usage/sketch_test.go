package usage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQuantilesHoldTheirBound against all values, sorted.
func TestQuantilesHoldTheirBound(t *testing.T) {
	for _, fine := range []bool{false, true} {
		grain := coarseGrain
		if fine {
			grain = fineGrain
		}
		random := rand.New(rand.NewPCG(1, 2))
		var values []float64
		whole, parts := Sketch{Fine: fine}, [2]Sketch{{Fine: fine}, {Fine: fine}}
		for i := range 100_000 {
			v := math.Exp(2 * random.NormFloat64())
			values = append(values, v)
			whole.Add(v)
			parts[i%2].Add(v)
		}
		parts[0].Merge(&parts[1])
		slices.Sort(values)
		for _, q := range []float64{0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1} {
			want := values[int(q*float64(len(values)-1))]
			require.InEpsilon(t, want, whole.Quantile(q), grain*1.0001, fmt.Sprint(fine, q))
			require.Equal(t, whole.Quantile(q), parts[0].Quantile(q))
		}
	}
}

// TestOddValues: nothing that a clock or an engine may say makes a sketch large, or wrong.
func TestOddValues(t *testing.T) {
	var s Sketch
	for _, v := range []float64{0, -1, math.NaN(), math.Inf(-1)} {
		s.Add(v)
	}
	require.Zero(t, s.N)
	require.Zero(t, s.Quantile(0.5))
	for _, v := range []float64{math.Inf(1), 1e300, 1e-300, 1} {
		s.Add(v)
	}
	require.EqualValues(t, 4, s.N)
	require.Less(t, len(s.Bins), 400)
	require.InEpsilon(t, leastValue, s.Quantile(0), coarseGrain)
	require.InEpsilon(t, mostValue, s.Quantile(1), coarseGrain)
}

// TestDistinctCounts within three times its standard error.
func TestDistinctCounts(t *testing.T) {
	var d Distinct
	require.Zero(t, d.count())
	n := 0
	for _, want := range []int{1, 10, 1000, 5000, 20_000, 300_000} {
		for ; n < want; n++ {
			id := UserID(fmt.Sprintf("user:%d", n))
			d.add(id)
			require.False(t, d.add(id))
		}
		require.InEpsilon(t, want, d.count(), 3*1.04/math.Sqrt(registers))
	}
}
