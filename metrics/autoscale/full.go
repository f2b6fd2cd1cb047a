// Servers that stay full.

package autoscale

import "math"

// full is the work that arrives, less what may be chance, where requests wait because all that serve have been full for a while. The
// means of longer times still have the quiet before it in them; what has come since then has not. 0: it is not so.
func (c *Controller) full(v *view) float64 {
	s := v.s
	c.fullSince = since(c.fullSince, v.at, s.WaitingRequests > 0 && s.Ready > 0 && s.InFlight >= s.Slots)
	lasts := v.at.Sub(c.fullSince)
	if c.fullSince.IsZero() || lasts < 2*panicWindow {
		return 0
	}
	over := min(lasts, stableWindow)
	if came := c.arriving.mean(v.at, over) - c.chance(v.at, lasts+c.settings.Interval, over); !math.IsNaN(came) {
		return max(came, 0)
	}
	return 0
}
