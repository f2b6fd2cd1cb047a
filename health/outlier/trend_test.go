package outlier

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A server that becomes slower bit by bit is told of before it is ejected for it.
func TestTrendWarnsBeforeTheLimit(t *testing.T) {
	servers := unequal(4, 0.05)
	f := newFleet(11, usual(), servers...)
	f.rate, f.work = 0.3*capacityOf(servers), exponential
	f.passes(300)
	require.Empty(t, actions(f.told))
	for range 1200 {
		servers[2].slower *= 1.002
		f.pass()
		if len(f.told) > 0 {
			break
		}
	}
	require.Equal(t, []string{"warn c trend"}, actions(f.told))
	assert.Less(t, servers[2].slower, 3.0)
	assert.Positive(t, f.told[0].Evidence["seconds_left"])
	assert.Contains(t, f.told[0].Reason, "ever longer")
	f.told = nil
	for range 1200 {
		servers[2].slower *= 1.002
		f.pass()
		if len(f.told) > 0 {
			break
		}
	}
	require.Equal(t, []string{"eject c slow"}, actions(f.told))
}

func TestRise(t *testing.T) {
	of := func(points ...float64) (sure, slope float64) {
		var tr trend
		tr.points.fit(len(points))
		for _, p := range points {
			tr.points.push(p)
		}
		return tr.rise()
	}
	sure, slope := of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	assert.InDelta(t, 3.94, sure, 0.01) // (45 - 1) / sqrt(125)
	assert.Equal(t, 1.0, slope)
	sure, slope = of(3, 3, 3, 3)
	assert.Negative(t, sure)
	assert.Zero(t, slope)
	_, slope = of(0, 1, 100, 3, 4, 5, -90, 7)
	assert.Equal(t, 1.0, slope, "what is far out does not matter")
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		points := make([]float64, trendPoints)
		for i := range points {
			points[i] = random.NormFloat64()
		}
		sure, _ = of(points...)
		require.Less(t, sure, trendSure)
	}
}
