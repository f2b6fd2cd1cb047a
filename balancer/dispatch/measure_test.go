package dispatch

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAMeanForgets(t *testing.T) {
	var m Mean
	for range 100 {
		m.Learn(1, 10)
	}
	for range 50 {
		m.Learn(2, 10)
	}
	require.InDelta(t, 2, m.Value, 0.01)
	m = Mean{}
	m.Learn(1, 10)
	m.Learn(2, 10)
	require.InDelta(t, 1.5, m.Value, 1e-9, "of few it is the plain mean")
}

// TestAColdStartIsNoServiceTime: one request that took 600 times as long makes no endpoint slow.
func TestAColdStartIsNoServiceTime(t *testing.T) {
	var s Service
	s.Learn(time.Minute, 1, false)
	for range Tuned.ServiceKnown - 2 {
		s.Learn(100*time.Millisecond, 1, false)
	}
	require.Zero(t, s.Seconds(true), "not known yet")
	s.Learn(100*time.Millisecond, 1, false)
	require.InDelta(t, 0.19, s.Seconds(true), 0.01)
}

// TestServiceTimeGrowsStale, and one that is stale believes what is faster sooner, but not
// what is slower.
func TestServiceTimeGrowsStale(t *testing.T) {
	for took, want := range map[time.Duration]float64{time.Minute: 1.085, 500 * time.Millisecond: 0.794} {
		var s Service
		require.False(t, s.Stale(time.Hour), "nothing is known")
		for range Tuned.ServiceHorizon {
			s.Learn(time.Second, 1, false)
		}
		s.Touch(time.Hour)
		require.False(t, s.Stale(time.Hour+30*time.Second))
		require.True(t, s.Stale(time.Hour+31*time.Second))
		s.Learn(took, 1, true)
		assert.InDelta(t, want, s.Seconds(false), 0.001)
	}
}

func TestServiceTimeOfTheUsualSize(t *testing.T) {
	var s Service
	for range Tuned.ServiceKnown {
		s.Learn(8*time.Second, 4, false)
	}
	require.InDelta(t, 8, s.Seconds(false), 1e-9)
	require.InDelta(t, 2, s.Seconds(true), 1e-9)
}

func TestSizes(t *testing.T) {
	var s Sizes
	for _, odd := range []float64{0, -1, math.Inf(1), math.NaN()} {
		s.Arrived(odd)
		require.Equal(t, 1.0, s.Of(odd))
	}
	for range Tuned.UsualKnown {
		require.Equal(t, 1.0, s.Of(30), "not known yet")
		s.Arrived(10)
	}
	require.Equal(t, 3.0, s.Of(30))
	require.Equal(t, math.MaxFloat64/10, s.Of(math.MaxFloat64))
	s.Arrived(math.MaxFloat64)
	require.Less(t, s.Usual.Value, 100.0, "what one claims counts for little")
}

func TestPredictionsMustProve(t *testing.T) {
	var s Sizes
	for range Tuned.LongKnown {
		require.False(t, s.IsLong(100))
		s.Ended(9*time.Second, 3)
	}
	require.True(t, s.Trusted())
	require.True(t, s.IsLong(4.1))
	require.False(t, s.IsLong(4))
	for range Tuned.LongHorizon {
		s.Ended(3*time.Second, 3)
	}
	require.False(t, s.Trusted(), "they are so no longer")
}
