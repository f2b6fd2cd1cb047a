// How fast a queue is served.

package balancer

import (
	"math"
	"time"
)

const (
	// drainHorizon is how far back the rate looks: what was measured that much waiting time
	// ago counts for 1/e.
	drainHorizon = 10 * time.Second
	// A client is asked to come back no sooner and no later than this.
	soonestRetry, latestRetry = time.Second, time.Minute
)

// drain measures how fast a queue is served: the number of requests that were given an
// endpoint, over the time in which some waited. Both fade exponentially. Time in which nobody
// waits does not count, since it says nothing of how fast a queue would be served. Guarded by
// Pool.pick.
type drain struct {
	served float64 // requests
	busy   float64 // seconds
	at     time.Duration
}

// pass counts the time since the last call as time in which some waited.
func (d *drain) pass(now time.Duration) {
	passed := (now - d.at).Seconds()
	d.at = now
	kept := math.Exp(-passed / drainHorizon.Seconds())
	d.served *= kept
	d.busy = d.busy*kept + passed
}

// rate returns the requests served in a second; 0 while that is not known.
func (d *drain) rate() float64 {
	if d.busy == 0 {
		return 0
	}
	return d.served / d.busy
}
