// Measuring how long leases last.

package balancer

import (
	"cmp"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// timing is when a lease was given out, and what for. Its zero value measures nothing.
type timing struct {
	began time.Duration // by the pool's clock
	size  float64       // in units of the usual request; 0: it is not measured
	stale bool          // what was known of the endpoint's service time was old then
}

// startTiming returns the timing of a request of this size that begins at the endpoint now.
func (e *Endpoint) startTiming(size float64) timing {
	if size == 0 {
		return timing{}
	}
	now := e.pool.queue.now()
	t := timing{began: now, size: size, stale: e.service.Stale(now)}
	e.service.Touch(now)
	return t
}

// measure takes in a request that ended like this. What failed says nothing of how long a
// request takes.
func (e *Endpoint) measure(t timing, o Outcome) {
	if t.size == 0 {
		return
	}
	now := e.pool.queue.now()
	e.service.Touch(now)
	took := cmp.Or(o.held(), now-t.began)
	if o.Class != Answered || o.Status >= 300 || took <= 0 {
		return
	}
	e.service.Learn(took, t.size, t.stale)
	if usual := e.service.Seconds(false); usual > 0 && t.size > dispatch.Tuned.LongWork {
		e.pool.endedLong(took, usual)
	}
}

// endedLong takes in how long a request took that was predicted to be long, where so many
// seconds are usual.
func (p *Pool) endedLong(took time.Duration, usual float64) {
	p.pick.Lock()
	defer p.pick.Unlock()
	p.queue.sizes.Ended(took, usual)
}
