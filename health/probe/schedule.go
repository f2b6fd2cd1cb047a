package probe

import (
	"math"
	"math/rand/v2"
	"time"
)

// jitterRatio is how far a probe may be from its place, as a part of the interval: enough
// that several steelyards do not keep asking one server at the same instant.
const jitterRatio = 0.1

// schedule says when one target is probed. The places are a fixed grid, so that jitter
// and slow probes do not let targets drift together. It belongs to one goroutine.
type schedule struct {
	interval time.Duration
	place    time.Time      // of the next probe, without jitter
	due      time.Time      // the next probe
	random   func() float64 // in [0, 1)
}

// newSchedule returns the schedule of a target whose first place is that part of the
// interval after start.
func newSchedule(start time.Time, interval time.Duration, place float64, random func() float64) *schedule {
	first := start.Add(time.Duration(place * float64(interval)))
	return &schedule{interval: interval, place: first.Add(-interval), random: random}
}

// next returns when to probe after now. Places that passed during a slow probe are left out.
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

// change goes over to another interval, and returns when to probe after now. What was due
// does not come later, so that changes without end do not put a probe off for ever.
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

// Places gives the targets of one upstream places that are spread over the interval, however
// many come: each lies in one of the widest gaps between those before. It belongs to one
// goroutine.
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
