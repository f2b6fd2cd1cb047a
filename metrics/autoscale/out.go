// More replicas: at once, in bounded steps.

package autoscale

import (
	"fmt"
	"math"
	"time"
)

// first is the start of the first replicas: one for all that wait, unless it is known that they are more than one can do.
func (c *Controller) first(v *view, largest need) (int, string) {
	wanted := max(c.step(v.at, 0, ceil(largest.servers)), 1)
	waiting := max(v.s.WaitingRequests, v.s.Held)
	if waiting == 0 {
		return wanted, "work arrives, and nothing is there to do it"
	}
	return wanted, fmt.Sprintf("%s for the first server, which needs %s to start", count(waiting, "request waits", "requests wait"), short(v.lead))
}

// more is how many are wanted where too few are there.
func (c *Controller) more(v *view, largest need, d *Decision) (int, string) {
	whole := d.Now + ceil(largest.servers-v.present)
	wanted := c.step(v.at, d.Now, whole)
	if c.settings.MaxStarting > 0 {
		wanted = min(wanted, max(d.Now, d.Now-v.s.Starting+c.settings.MaxStarting))
	}
	why := largest.why
	if v.s.Starting > 0 {
		why += fmt.Sprintf(", and %s not enough", count(v.s.Starting, "that starts is", "that start are"))
	} else if missing := c.out.low(); v.s.Out > 0 && missing > 0 {
		why += fmt.Sprintf(", and %.0f cannot be used", missing)
	}
	switch {
	case wanted == d.Now:
		d.Held = true
		why += fmt.Sprintf("; %d are wanted, step by step", min(whole, c.settings.Max))
	case wanted < min(whole, c.settings.Max):
		why += fmt.Sprintf("; %d are wanted, step by step", min(whole, c.settings.Max))
	}
	return wanted, why
}

// ceil is the next whole number, with what is let be taken off.
func ceil(v float64) int { return int(math.Ceil(min(v, most) - band)) }

// step bounds how many more there may be: within a period as many again as there were, and leastStep at least.
func (c *Controller) step(now time.Time, have, wanted int) int {
	if c.period.IsZero() || now.Sub(c.period) >= outPeriod || have < c.periodFrom {
		c.period, c.periodFrom = now, have
	}
	room := max(c.periodFrom, leastStep)
	if c.periodFrom == 0 {
		room = 1
	}
	return min(wanted, max(c.periodFrom+room, have))
}

// ask adds what alerts ask for. It is held for as long as fewer must suffice before one goes.
func (c *Controller) ask(v *view, wanted int, d *Decision) int {
	if v.s.Asked > 0 {
		c.asked, c.askedAt = min(d.Now+v.s.Asked, c.settings.Max), v.at
	}
	if v.s.Asked < 0 && c.asked == 0 && wanted == d.Now && v.s.WaitingRequests == 0 && v.present+float64(v.s.Asked) >= c.room(v.arriving) {
		d.Reason, d.Held = "an alert asks for fewer, and they suffice", false
		return max(d.Now+v.s.Asked, 0)
	}
	if c.asked > 0 && v.at.Sub(c.askedAt) > c.settings.ScaleInAfter {
		c.asked = 0
	}
	if c.asked > wanted {
		d.Reason, d.Held = fmt.Sprintf("an alert has asked for %d", c.asked), false
		return c.asked
	}
	return wanted
}
