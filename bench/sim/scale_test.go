package sim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
)

func TestScale(t *testing.T) {
	for _, n := range []int{1, 3, 100, 1000} {
		exact, err := Scale(ScaleOptions{Endpoints: n, Policy: policy.Capacity(policy.CapacityOptions{}), Seed: 1})
		require.NoError(t, err)
		assert.Equal(t, max(4000, 100*n), exact.Requests)
		assert.Less(t, exact.Farthest, 1.0+1e-6, "%d endpoints", n)
		assert.Less(t, exact.Misplaced, 0.005)
		assert.Positive(t, exact.Cost)

		counting, err := Scale(ScaleOptions{Endpoints: n, Policy: policy.LeastLoad(), Seed: 1})
		require.NoError(t, err)
		t.Logf("%d endpoints: capacity misplaces %.4f %%, %v; least_load %.2f %%, %v",
			n, 100*exact.Misplaced, exact.Cost, 100*counting.Misplaced, counting.Cost)
		if n > 1 {
			assert.Greater(t, counting.Misplaced, exact.Misplaced)
		}
	}
}

func TestScaleRefuses(t *testing.T) {
	for says, o := range map[string]ScaleOptions{
		"endpoints must be 1 or more":     {Policy: policy.LeastLoad()},
		"no policy is given":              {Endpoints: 3},
		"give the arrivals per second":    {Endpoints: 3, Policy: policy.LeastLoad(), Load: -1},
		"requests is -1: give the length": {Endpoints: 3, Policy: policy.LeastLoad(), Requests: -1},
	} {
		_, err := Scale(o)
		assert.ErrorContains(t, err, says)
		assert.ErrorContains(t, err, "simulate")
	}
}

func BenchmarkScale(b *testing.B) {
	for b.Loop() {
		r, err := Scale(ScaleOptions{Endpoints: 10_000, Policy: policy.LeastLoad(), Requests: 100_000})
		require.NoError(b, err)
		b.ReportMetric(float64(r.Cost.Nanoseconds()), "ns/pick")
	}
}
