// Measuring an endpoint's rate of work.

package estimate

import (
	"math"
	"time"
)

const (
	// leastRequests is how many requests an estimate remembers at least; it counts once it has
	// seen half of them. The mean of so many exponential times is exact to 13 %.
	leastRequests = 60
	// memoryTime is how far back an estimate remembers where requests are more frequent.
	memoryTime = 5 * time.Second
	// largestStep is the factor by which a capacity changes in one tick at most. So a server
	// that becomes twice as fast is followed in four ticks at the earliest.
	largestStep = 1.25
	// busyRatio is the part of its slots that are in use where an endpoint counts as busy.
	busyRatio = 0.75
	// peakFade is what is left, after a tick, of the highest load that was seen. It stands in
	// for the slots where there are none.
	peakFade = 0.98
)

// capacity follows the rate of work of one endpoint.
type capacity struct {
	memory window  // of requests that began while the endpoint was busy
	rate   float64 // units of work per second; 0 while too little was seen
	served float64 // requests per second at that rate; 0 likewise
	peak   float64 // requests in flight at the busiest, fading
}

// tick learns from what was finished in the time since the last tick. slots is how many
// requests the endpoint works on at once, 0 where that is not known.
func (c *capacity) tick(m *Meter, slots int, since time.Duration) {
	next := m.busy.take()
	c.memory.remember(next, max(leastRequests, next.requests*float64(memoryTime)/float64(max(since, 1))))
	level := float64(slots)
	if slots == 0 {
		if next.requests > 0 {
			c.peak = max(c.peak*peakFade, next.inFlight/next.requests)
		}
		level = c.peak
	}
	m.busyFrom.Store(int64(math.Ceil(busyRatio * level)))
	if next.requests == 0 || c.memory.requests < leastRequests/2 {
		return
	}
	atOnce := float64(slots)
	if slots == 0 {
		atOnce = c.memory.inFlight / c.memory.requests
	}
	c.rate = step(c.rate, atOnce/c.memory.perWork())
	c.served = step(c.served, atOnce*c.memory.requests/c.memory.service)
}

// sound reports whether all that is remembered is possible.
func (c *capacity) sound() bool {
	most := max(c.rate, c.served, c.peak) // NaN if any is
	return c.memory.sound() && min(c.rate, c.served, c.peak) >= 0 && !math.IsInf(most, 1)
}

// step goes from an old value towards a new one, by no more than largestStep.
func step(old, target float64) float64 {
	if old == 0 {
		return target
	}
	return min(max(target, old/largestStep), old*largestStep)
}
