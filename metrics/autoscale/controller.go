// The controller: from samples to the number of replicas.

package autoscale

import (
	"fmt"
	"math"
	"time"
)

// Controller decides for one upstream. It is for one goroutine.
type Controller struct {
	settings Settings
	idleFrom time.Time // since when fewer would suffice; zero: they would not
}

// New is one that has seen nothing yet.
func New(s Settings) *Controller { return &Controller{settings: s.withDefaults()} }

// Step takes in a sample and decides.
func (c *Controller) Step(now time.Time, s Sample) Decision {
	d := Decision{At: now, Now: s.Ready + s.Starting + s.Out, Coming: s.Starting, Need: math.NaN(), Inputs: map[string]float64{}}
	one := c.settings.Capacity
	if known(s.Capacity) && s.Capacity > 0 {
		one = s.Capacity
	}
	if known(s.Arriving) && known(s.Waiting) {
		d.Need = (s.Arriving + s.Waiting/c.settings.StartTime.Seconds()) / one / c.settings.TargetUtilization
	}
	wanted := d.Now
	switch {
	case math.IsNaN(d.Need):
		d.Held, d.Reason = true, "not known how much work there is"
	case d.Need > float64(d.Now) || s.Held > 0 && d.Now == 0:
		wanted = max(int(math.Ceil(min(d.Need, 1e6))), 1)
		d.Reason = fmt.Sprintf("%.1f servers' worth of work", d.Need)
	case d.Need < float64(d.Now-1):
		if c.idleFrom.IsZero() {
			c.idleFrom = now
		}
		if now.Sub(c.idleFrom) >= c.settings.ScaleInAfter && s.Starting+s.Draining+s.Out+s.WaitingRequests == 0 {
			wanted, c.idleFrom = d.Now-1, time.Time{}
			d.Reason = "fewer have sufficed for long"
		}
	default:
		c.idleFrom = time.Time{}
	}
	d.Wanted = min(max(wanted, c.settings.Min), c.settings.Max)
	switch {
	case d.Wanted > d.Now:
		d.Direction = Out
	case d.Wanted < d.Now:
		d.Direction = In
	}
	return d
}
