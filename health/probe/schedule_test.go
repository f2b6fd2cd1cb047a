package probe

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestScheduleSpreads: each of the targets begins in its own part of the interval, give
// or take the jitter.
func TestScheduleSpreads(t *testing.T) {
	const interval, n = 2 * time.Second, 10
	start := time.Unix(1000, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	slack := time.Duration(jitterRatio * float64(interval))
	for range 100 {
		for i := range n {
			first := newSchedule(start, interval, i, n, rng.Float64).next(start).Sub(start)
			assert.GreaterOrEqual(t, first, interval/n*time.Duration(i)-slack)
			assert.LessOrEqual(t, first, interval/n*time.Duration(i+1)+slack)
		}
	}
}

// TestScheduleKeepsItsPlace: after many probes the average distance is the interval, and
// no two are closer or further apart than jitter makes them.
func TestScheduleKeepsItsPlace(t *testing.T) {
	const interval, n = time.Second, 10_000
	rng := rand.New(rand.NewPCG(1, 1))
	start := time.Unix(1000, 0)
	s := newSchedule(start, interval, 0, 1, rng.Float64)
	first := s.next(start)
	now := first
	for range n {
		next := s.next(now)
		assert.InDelta(t, float64(interval), float64(next.Sub(now)), 2*jitterRatio*float64(interval)+1)
		now = next
	}
	assert.InDelta(t, float64(n*interval), float64(now.Sub(first)), 2*jitterRatio*float64(interval)+1)
}

// TestScheduleSkipsWhatItMissed: after a probe longer than the interval the next place is
// the next one on the grid, not a burst of those that passed.
func TestScheduleSkipsWhatItMissed(t *testing.T) {
	const interval = time.Second
	start := time.Unix(1000, 0)
	s := newSchedule(start, interval, 0, 1, func() float64 { return 0.5 }) // the middle: no jitter
	assert.Equal(t, start.Add(500*time.Millisecond), s.next(start))
	assert.Equal(t, start.Add(1500*time.Millisecond), s.next(start.Add(600*time.Millisecond)))
	assert.Equal(t, start.Add(5500*time.Millisecond), s.next(start.Add(4600*time.Millisecond)))
	assert.Equal(t, start.Add(6500*time.Millisecond), s.next(start.Add(6500*time.Millisecond)), "just in time")
}
