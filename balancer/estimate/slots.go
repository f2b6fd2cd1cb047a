// Finding how many requests an endpoint works on at once.

package estimate

import (
	"math"
	"math/bits"
)

const (
	// kneeRatio is a part of the highest rate of work. Once a server works at that rate, more
	// requests at once are not worth having.
	kneeRatio = 0.88
	// levelMemory is how many requests are remembered for each level.
	levelMemory = 200
	// levelLeast is how many requests a level must have had for its rate to count.
	levelLeast = 30
	// surprise is by how many standard deviations the time per unit of work must change to show
	// that the server has become faster or slower.
	surprise = 4
	// firstSlots is what a limit begins with. If it is too high, requests wait in the server for
	// a while; if it were too low, a queue would grow that takes long to serve.
	firstSlots = 16
	// probeEvery is how often the level above is tried: once in so many ticks in which the
	// limit was reached.
	probeEvery = 8
	// largestSurprise is the factor by which an endpoint's speed may change in a tick at most.
	largestSurprise = 16
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
// endpoint works while n are in flight. The rate rises with n up to the slots, and is flat
// beyond them. The limit is the knee between the two.
type slots struct {
	memory [levelCount]window
	ticks  int // how many there were in which the limit was reached
	limit  int // in force, ≥ 1: at the knee, or at a level beside it that is being tried
	atKnee int // requests at the knee, ≥ 1
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
	knee, any := s.knee()
	if !any {
		return
	}
	s.atKnee = slotsOf(knee)
	reached := highest >= knee
	if reached {
		s.ticks++
	}
	above, below := min(knee+1, levelCount-1), max(knee-1, 0)
	switch {
	case !s.known(above), reached && s.ticks%probeEvery == 0:
		s.limit = slotsOf(above)
	case !s.known(below):
		s.limit = slotsOf(below)
	default:
		s.limit = s.atKnee
	}
}

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

// knee returns the least level at which the endpoint works about as fast as at any other. It
// reports whether any level is known.
func (s *slots) knee() (level int, any bool) {
	rates := s.rates()
	highest := 0.0
	for _, r := range rates {
		highest = max(highest, r)
	}
	for level, r := range rates {
		if r > 0 && r >= kneeRatio*highest {
			return level, true
		}
	}
	return 0, false
}

// rates returns the rate of work at each level; 0 where too little was seen. A server does not
// work more slowly because it has more to do. Where two levels seem to say so it is chance,
// and they get the mean of both (pool adjacent violators).
func (s *slots) rates() [levelCount]float64 {
	type block struct {
		rate, requests float64
		first, last    int
	}
	var blocks []block
	for level, w := range s.memory {
		if !s.known(level) {
			continue
		}
		next := block{w.inFlight / w.requests / w.perWork(), w.requests, level, level}
		for len(blocks) > 0 && blocks[len(blocks)-1].rate > next.rate {
			last := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			both := last.requests + next.requests
			next = block{(last.rate*last.requests + next.rate*next.requests) / both, both, last.first, next.last}
		}
		blocks = append(blocks, next)
	}
	var rates [levelCount]float64
	for _, b := range blocks {
		for level := b.first; level <= b.last; level++ {
			if s.known(level) {
				rates[level] = b.rate
			}
		}
	}
	return rates
}
