package estimate

import (
	"math"
	"math/bits"
)

const (
	// kneeRatio is the part of the highest rate of work from which on more requests at once are
	// not worth having.
	kneeRatio = 0.88
	// levelMemory is how many requests are remembered for each level.
	levelMemory = 200
	// levelLeast is how many make a level's rate count.
	levelLeast = 30
	// surprise is how many standard deviations off the time per unit of work must be to be taken
	// for a server that has changed its speed.
	surprise = 4
	// firstSlots is what a limit begins with: too many only wait in the server for a while, but
	// with too few a queue would grow that takes long to get rid of.
	firstSlots = 16
	// probeEvery is how many ticks in which the limit was reached pass between two looks at
	// the level above it.
	probeEvery = 8
	// largestSurprise bounds, as a factor, by how much an endpoint may change its speed in a tick.
	largestSurprise = 16
)

// levelCount is enough for 4096 requests at once, more than any server batches.
const levelCount = 24

// levelOf returns the level of a number of requests in flight, > 0. There are two to each
// doubling: 1, 2, 3, 4, 6, 8, 12, 16, …
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

// slotsOf returns the least number of requests in flight that belongs to the level.
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

// slots follows how many requests one endpoint works on at once. It keeps the time per unit
// of work for each level of requests in flight, and with it the rate n/τ(n) at which the
// endpoint works while n are in flight: it rises with n up to the slots, and is flat beyond.
// The limit is the knee between the two.
type slots struct {
	memory [levelCount]window
	ticks  int // in which the limit was reached
	limit  int // in force, ≥ 1: at the knee, or a level beside it that is being looked at
	atKnee int // requests at the knee, ≥ 1
}

func newSlots() slots { return slots{limit: firstSlots, atKnee: firstSlots} }

// tick takes in what was finished since the last tick and sets the limit for the next.
// Where nothing was finished it stays what it is.
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

// sound says whether all that is remembered can be.
func (s *slots) sound() bool {
	for level := range s.memory {
		if !s.memory[level].sound() {
			return false
		}
	}
	return true
}

// known says whether enough was seen of a level.
func (s *slots) known(level int) bool { return s.memory[level].requests >= levelLeast }

// respeed multiplies all times by the factor by which the endpoint has become slower, if it
// clearly has: what it does at other levels will have changed alike.
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

// knee returns the least level at which the endpoint works about as fast as at any, if any
// is known.
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

// rates returns the rate of work at each level, 0 where too little was seen. Since a server
// does not work slower for having more to do, levels that say so are taken together (pool
// adjacent violators), which evens out what is only chance.
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
