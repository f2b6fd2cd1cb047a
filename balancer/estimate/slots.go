// Finding how many requests an endpoint works on at once.

package estimate

import (
	"math"
	"math/bits"
)

const (
	// kneeRatio is a part of the rate of work with more requests at once. Once a server works at that
	// rate, more are not worth having.
	kneeRatio = 0.88
	// levelMemory is how many requests are remembered for each level.
	levelMemory = 600
	// levelLeast is how many requests a level must have had for its rate to count.
	levelLeast = 30
	// levelSure is how many it must have had to say that the server has slots: a limit that is too
	// low costs far more than one that is too high.
	levelSure = 250
	// surprise is by how many standard deviations the time per unit of work must change to show
	// that the server has become faster or slower.
	surprise = 4
	// firstSlots is the least limit while nothing shows that the server has fewer slots. If it is too
	// high, requests wait in the server; if it were too low, a batch would be small for nothing.
	firstSlots = 64
	// probeEvery is how often a level above is tried: once in so many ticks in which the
	// limit was reached.
	probeEvery = 8
	// quick is how many requests must have finished in a tick for levels below to be tried: a server
	// that takes long for each would have too few for minutes.
	quick = 10
	// largestSurprise is the factor by which an endpoint's speed may change in a tick at most.
	largestSurprise = 16
	// octave is how many levels a doubling is.
	octave = 2
)

// levelCount is enough for 4096 requests at once, more than any server batches.
const levelCount = 24

// levelOf returns the level of a number of requests in flight, > 0. Levels begin at 1, 2, 3, 4,
// 6, 8, 12, 16, … requests: there are two to each doubling.
func levelOf(inFlight int64) int {
	n := uint64(inFlight)
	top := bits.Len64(n) - 1
	level := 2*top - 1
	if top == 0 {
		return 0
	}
	if n>>(top-1)&1 == 1 {
		level++
	}
	return min(level, levelCount-1)
}

// slotsOf returns the least number of requests of a level.
func slotsOf(level int) int {
	if level == 0 {
		return 1
	}
	top := (level + 1) / 2
	n := 1 << top
	if level == 2*top {
		n += n / 2
	}
	return n
}

// slots finds out how many requests one endpoint works on at once. For each level of requests
// in flight it keeps the time per unit of work, τ. So it knows the rate n/τ(n) at which the
// endpoint works while n are in flight, and where it stops to rise with n: the knee.
//
// Up to its slots a server takes as long for a request however many others it has, and beyond them in
// proportion to their number: there the limit is the knee. A server that batches takes longer from the
// second request on, but less than in proportion. It has a knee as well, and still its rate rises
// beyond that; so its limit is far above, and it manages its queue itself.
type slots struct {
	memory  [levelCount]window
	ticks   int  // how many there were in which the limit was reached
	limit   int  // in force, ≥ 1
	atKnee  int  // requests at the knee of a server with slots, as last seen, ≥ 1
	slotted bool // it was seen to have slots: more at once only wait there
}

func newSlots() slots { return slots{limit: firstSlots, atKnee: firstSlots} }

// tick learns from what was finished since the last tick, and sets the limit for the next. If
// nothing was finished, the limit stays what it is.
func (s *slots) tick(m *Meter) {
	var fresh [levelCount]window
	highest := -1
	for level := range fresh {
		if fresh[level] = m.levels[level].take(); fresh[level].requests > 0 {
			highest = level
		}
	}
	if highest < 0 {
		return
	}
	s.respeed(&fresh)
	for level := range fresh {
		s.memory[level].remember(fresh[level], levelMemory)
	}
	knee, top, any := s.knee()
	if !any {
		return
	}
	finished := 0.0
	for level := range fresh {
		finished += fresh[level].requests
	}
	reached := highest >= knee
	if reached {
		s.ticks++
	}
	s.slotted = false
	low := max(knee-octave, 0)
	unsure := s.unsure(low, knee)
	switch {
	case !s.saturated(knee, top):
		s.limit = roomFor(top)
	case unsure >= 0 && finished >= quick:
		s.limit = slotsOf(unsure)
	case unsure >= 0 || !s.flat(low, knee, top):
		s.limit = roomFor(knee)
	default:
		s.slotted, s.atKnee = true, slotsOf(knee)
		if s.limit = s.atKnee; reached && s.ticks%probeEvery == 0 {
			s.limit = slotsOf(min(knee+1+s.ticks/probeEvery%octave, levelCount-1))
		}
	}
}

// roomFor is a limit that is in nobody's way while the endpoint has as many as a level says.
func roomFor(level int) int { return max(firstSlots, slotsOf(min(level+2*octave, levelCount-1))) }

// sound reports whether all that is remembered is possible.
func (s *slots) sound() bool {
	for level := range s.memory {
		if !s.memory[level].sound() {
			return false
		}
	}
	return true
}

// known reports whether enough was seen of a level.
func (s *slots) known(level int) bool { return s.memory[level].requests >= levelLeast }

// respeed corrects what is remembered if the endpoint has clearly become slower or faster: it
// multiplies the times of all levels by the same factor, since what is seen at some levels
// will be true of the others as well.
func (s *slots) respeed(fresh *[levelCount]window) {
	logs, weight := 0.0, 0.0
	for level, now := range fresh {
		if before := s.memory[level]; now.requests > 0 && before.requests >= levelLeast {
			logs += now.requests * math.Log(now.perWork()/before.perWork())
			weight += now.requests
		}
	}
	if weight < levelLeast/2 || math.Abs(logs/weight) < surprise/math.Sqrt(weight) {
		return
	}
	most := math.Log(largestSurprise)
	factor := math.Exp(min(max(logs/weight, -most), most))
	for level := range s.memory {
		s.memory[level].service *= factor
	}
}

// knee returns the least level at which the endpoint works about as fast as it does with more, and the
// highest level that is known. It reports whether any is.
func (s *slots) knee() (knee, top int, any bool) {
	rates, requests := 0.0, 0.0 // of the levels above, by requests
	for level := levelCount - 1; level >= 0; level-- {
		if !s.known(level) {
			continue
		}
		w := s.memory[level]
		rate := w.inFlight / w.requests / w.perWork()
		switch {
		case !any:
			top, any = level, true
		case rate < kneeRatio*rates/requests:
			return knee, top, true
		}
		knee = level
		rates, requests = rates+rate*w.requests, requests+w.requests
	}
	return knee, top, any
}
