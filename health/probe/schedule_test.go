package probe

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestPlacesSpread: however many targets there are, no gap between two that follow each other
// is much wider than others.
func TestPlacesSpread(t *testing.T) {
	for range 20 {
		var p Places
		var all []float64
		for n := 1; n <= 300; n++ {
			all = append(all, p.Next())
			sorted := slices.Sorted(slices.Values(all))
			assert.GreaterOrEqual(t, sorted[0], 0.0)
			assert.Less(t, sorted[n-1], 1.0)
			widest := 1 - sorted[n-1] + sorted[0]
			for i := range n - 1 {
				widest = max(widest, sorted[i+1]-sorted[i])
			}
			assert.LessOrEqual(t, widest, 2/float64(n)+1e-9, "of %d", n)
		}
	}
}

// TestScheduleBegins at the target's place in the interval, give or take the jitter.
func TestScheduleBegins(t *testing.T) {
	const interval = 2 * time.Second
	start := time.Unix(1000, 0)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		first := newSchedule(start, interval, 0.3, rng.Float64).next(start).Sub(start)
		assert.InDelta(t, 0.3*float64(interval), float64(first), jitterRatio*float64(interval)+1)
	}
}

// TestScheduleChanges: what was due does not come later, and what comes then is on the grid
// of the new interval through the old place.
func TestScheduleChanges(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * 1e9)) }
	for name, c := range map[string]struct {
		now       float64
		interval  time.Duration
		due, next float64
	}{
		"the same": {1, 10 * time.Second, 5, 15},
		"longer":   {1, time.Minute, 5, 65},
		"shorter":  {1, 3 * time.Second, 2, 5},
		"overdue":  {5.5, 3 * time.Second, 5, 8},
	} {
		s := newSchedule(start, 10*time.Second, 0.5, func() float64 { return 0.5 })
		assert.Equal(t, at(5), s.next(start), name)
		assert.Equal(t, at(c.due), s.change(at(c.now), c.interval), name)
		assert.Equal(t, at(c.due), s.change(at(c.now), c.interval), name)
		assert.Equal(t, at(c.next), s.next(at(max(c.due, c.now))), name)
	}
}

// TestScheduleKeepsItsPlace: after many probes the average distance is the interval, and
// no two are closer or further apart than jitter makes them.
func TestScheduleKeepsItsPlace(t *testing.T) {
	const interval, n = time.Second, 10_000
	rng := rand.New(rand.NewPCG(1, 1))
	start := time.Unix(1000, 0)
	s := newSchedule(start, interval, 0.5, rng.Float64)
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
	s := newSchedule(start, interval, 0.5, func() float64 { return 0.5 }) // the middle: no jitter
	assert.Equal(t, start.Add(500*time.Millisecond), s.next(start))
	assert.Equal(t, start.Add(1500*time.Millisecond), s.next(start.Add(600*time.Millisecond)))
	assert.Equal(t, start.Add(5500*time.Millisecond), s.next(start.Add(4600*time.Millisecond)))
	assert.Equal(t, start.Add(6500*time.Millisecond), s.next(start.Add(6500*time.Millisecond)), "just in time")
}
