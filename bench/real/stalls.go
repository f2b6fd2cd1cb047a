// Answers that stand still, over time.

package real

import (
	"time"

	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/sim"
)

// stallSpells is how many points a run has.
const stallSpells = 120

// stalls looks at engines in equal spells.
type stalls struct {
	every   time.Duration
	engines int
	before  float64 // seconds, of all engines, at the last look
	points  []report.Point
}

func newStalls(lasts time.Duration, engines int) *stalls {
	return &stalls{every: max(lasts/stallSpells, time.Millisecond), engines: engines}
}

func (s *stalls) look(at time.Duration, engines sim.Engines) {
	sum := 0.0
	for e := range s.engines {
		sum += engines.State(e).Stalled
	}
	if at > 0 {
		s.points = append(s.points, report.Point{X: at.Seconds(), Y: report.Number((sum - s.before) / s.every.Seconds())})
	}
	s.before = sum
}
