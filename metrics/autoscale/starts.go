// How long starts take, and which never end.

package autoscale

import (
	"slices"
	"time"
)

// starts follows replicas that start, by their number alone: not every actuator has names for them.
type starts struct {
	begun  []time.Time     // of those under way, oldest first
	took   []time.Duration // the last ones that ended well
	served int             // replicas that have become ready and are there, at the last look
}

// rememberedStarts is how many starts the usual time is taken of.
const rememberedStarts = 9

// look takes in how many start and how many are ready, and says how many became ready.
func (s *starts) look(now time.Time, starting, ready int) (ended int) {
	ended = min(max(ready-s.served, 0), len(s.begun))
	s.served = ready
	for _, at := range s.begun[:ended] {
		s.took = append(s.took, now.Sub(at))
	}
	s.took = s.took[max(len(s.took)-rememberedStarts, 0):]
	s.begun = slices.Delete(s.begun, 0, ended)
	for len(s.begun) < starting {
		s.begun = append(s.begun, now)
	}
	s.begun = s.begun[:starting] // the newest were given up first
	return ended
}

// usual is the median time of a start; 0: none was seen.
func (s *starts) usual() time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.took))
	return max(sorted[len(sorted)/2], 0)
}

// late is how many have taken longer than they may.
func (s *starts) late(now time.Time, most time.Duration) (n int) {
	for _, at := range s.begun {
		if now.Sub(at) >= most {
			n++
		}
	}
	return n
}
