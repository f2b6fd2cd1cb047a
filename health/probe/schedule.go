// When a target is probed, and how targets are spread over the interval.

package probe

import (
	"math"
	"math/rand/v2"
	"time"
)

// jitterRatio is how far a probe may be from its place, as a part of the interval: enough to
// keep several steelyards from asking one server at the same instant again and again.
const jitterRatio = 0.1

// schedule says when one target is probed. The places are a fixed grid, so that jitter
// and slow probes do not let targets drift together. It belongs to one goroutine.
type schedule struct {
	interval time.Duration
	place    time.Time      // of the next probe, without jitter
	due      time.Time      // when the next probe is made
	random   func() float64 // in [0, 1)
}

// newSchedule returns the schedule of a target. place, from 0 to below 1, is the part of the
// interval from start to its first probe.
func newSchedule(start time.Time, interval time.Duration, place float64, random func() float64) *schedule {
	first := start.Add(time.Duration(place * float64(interval)))
	return &schedule{interval: interval, place: first.Add(-interval), random: random}
}

// next returns the time of the first probe after now. Places that passed during a slow probe
// are left out.
func (s *schedule) next(now time.Time) time.Time {
	s.place = s.place.Add(s.interval)
	if late := now.Sub(s.place); late > 0 {
		missed := (late + s.interval - 1) / s.interval
		s.place = s.place.Add(missed * s.interval)
	}
	jitter := (2*s.random() - 1) * jitterRatio * float64(s.interval)
	s.due = s.place.Add(time.Duration(jitter))
	return s.due
}

// after is next, but keeps to the one that is due where that is still to come.
func (s *schedule) after(now time.Time) time.Time {
	if s.due.After(now) {
		return s.due
	}
	return s.next(now)
}

// change sets another interval, and returns the time of the next probe. That is never later
// than it was, so that endless changes cannot put a probe off for ever.
func (s *schedule) change(now time.Time, interval time.Duration) time.Time {
	if interval == s.interval {
		return s.due
	}
	due := s.due
	// Back to the place before now, on the new grid through the same place.
	s.interval, s.place = interval, s.place.Add(-(s.place.Sub(now)/interval+1)*interval)
	if s.next(now).After(due) {
		s.due = due
		if s.place.Sub(due) > interval/2 { // it is still to come, after the one that is due
			s.place = s.place.Add(-interval)
		}
	}
	return s.due
}

// Places spreads the targets of one upstream over the interval, however many come: each new
// place lies in one of the widest gaps between the earlier ones. It belongs to one goroutine.
type Places struct {
	last  float64
	begun bool
}

// Next returns the place of one more target.
func (p *Places) Next() float64 {
	if !p.begun { // anywhere, so that several steelyards do not go in step
		p.begun, p.last = true, rand.Float64()
		return p.last
	}
	// Steps of the golden ratio leave no gap that is much wider than others (Knuth, TAOCP 3, 6.4).
	_, p.last = math.Modf(p.last + 1/math.Phi)
	return p.last
}
