// Telling a server with slots from one that batches.

package estimate

import "math"

const (
	// saturatedSlope is a slope of τ above the knee that shows that more at once only wait.
	saturatedSlope = 0.8
	// wholeSlope is likewise of all levels, where the knee is one request or two.
	wholeSlope = 0.8
	// flatSlope is the largest slope below the knee that a server with slots may seem to have.
	flatSlope = 0.65
)

// slope returns by how much the time per unit of work grows with the requests in flight, from one
// level to another: 0, not at all, to 1, in proportion. Doubt is its standard deviation, where that
// of one request's time is the mean. Over less than an octave nothing can be said.
func (s *slots) slope(low, high int) (slope, doubt float64) {
	if high-low < octave {
		return 0, math.Inf(1)
	}
	n, x, y, xx, xy := 0.0, 0.0, 0.0, 0.0, 0.0
	for level := low; level <= high; level++ {
		if w := &s.memory[level]; s.known(level) {
			at, tau := math.Log(w.inFlight/w.requests), math.Log(w.perWork())
			n += w.requests
			x += w.requests * at
			y += w.requests * tau
			xx += w.requests * at * at
			xy += w.requests * at * tau
		}
	}
	spread := xx - x*x/n
	if !(spread > 0) {
		return 0, math.Inf(1)
	}
	return (xy - x*y/n) / spread, 1 / math.Sqrt(spread)
}

// saturated reports whether it is clear that from the knee on requests only wait for each other.
func (s *slots) saturated(knee, top int) bool {
	slope, doubt := s.slope(knee, top)
	return slope-doubt >= saturatedSlope
}

// flat reports whether it is clear that up to the knee they do not.
func (s *slots) flat(low, knee, top int) bool {
	if knee < octave { // there is nothing below: then they must wait from the first on
		slope, doubt := s.slope(low, top)
		return slope-doubt >= wholeSlope
	}
	slope, doubt := s.slope(low, knee)
	return slope+2*doubt <= flatSlope
}

// unsure returns the highest level below the knee, down to low, of which too little was seen to be
// sure; -1 where there is none.
func (s *slots) unsure(low, knee int) int {
	for level := knee - 1; level >= low; level-- {
		if s.memory[level].requests < levelSure {
			return level
		}
	}
	return -1
}
