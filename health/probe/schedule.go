package probe

import "time"

// jitterRatio is how far a probe may be from its place, as a part of the interval: enough
// that several steelyards do not keep asking one server at the same instant.
const jitterRatio = 0.1

// schedule says when one target is probed. The places are a fixed grid, so that jitter
// and slow probes do not let targets drift together. It belongs to one goroutine.
type schedule struct {
	interval time.Duration
	place    time.Time      // of the last probe, without jitter
	random   func() float64 // in [0, 1)
}

// newSchedule returns the schedule of target i of n. The targets' places are spread
// evenly over the interval that begins at start, at random within each one's part.
func newSchedule(start time.Time, interval time.Duration, i, n int, random func() float64) *schedule {
	offset := (float64(i) + random()) / float64(n)
	return &schedule{
		interval: interval,
		place:    start.Add(time.Duration(offset * float64(interval))).Add(-interval),
		random:   random,
	}
}

// next returns when to probe after now. Places that passed during a slow probe are left out.
func (s *schedule) next(now time.Time) time.Time {
	s.place = s.place.Add(s.interval)
	if late := now.Sub(s.place); late > 0 {
		missed := (late + s.interval - 1) / s.interval
		s.place = s.place.Add(missed * s.interval)
	}
	jitter := (2*s.random() - 1) * jitterRatio * float64(s.interval)
	return s.place.Add(time.Duration(jitter))
}
