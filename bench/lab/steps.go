// How far a run is.

package lab

import "time"

// steps turns what is done into progress. The estimate of the whole is in time, since most of a run is waiting for a trace to pass.
type steps struct {
	report func(Progress)
	whole  time.Duration
	done   time.Duration
}

func (s *steps) begin(whole time.Duration) { s.whole = max(whole, time.Millisecond) }

// at tells that a step, which takes about so long, is done to this part.
func (s *steps) at(doing string, takes time.Duration, part float64) {
	if s.report == nil {
		return
	}
	done := s.done + time.Duration(part*float64(takes))
	s.report(Progress{Doing: doing, Done: min(float64(done)/float64(s.whole), 1), Left: max(s.whole-done, 0)})
}

// end counts a step as done.
func (s *steps) end(takes time.Duration) { s.done += takes }
