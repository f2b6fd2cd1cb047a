// The controller: from samples to the number of replicas.

package autoscale

import (
	"fmt"
	"math"
	"time"
)

const (
	stableWindow = time.Minute // Knative's, like the next two
	panicWindow  = 6 * time.Second
	panicRatio   = 2 // this many times what serves must be needed,
	panicSure    = 4 // and so many standard errors more than arrived of late

	// arrivingWindow is longer: in a minute few requests come, of sizes that are far apart.
	arrivingWindow = 3 * time.Minute
	trendWindow    = 10 * time.Minute
	trendSure      = 4                // a trend must be as many times its standard error
	lateOften      = 0.3              // the part of the looks of the stable window, for requests to be late again and again
	leastClear     = 10 * time.Second // sooner than this a backlog need not be gone
	band           = 0.1              // of a server: so much too few is let be
	tolerance      = 0.1              // of what is there, while nobody waits; HPA's

	objectiveNear = 0.8 // this part of an objective is near to it

	outPeriod = 15 * time.Second // the fleet doubles at most in it
	leastStep = 2
	inRatio   = 0.1 // of the replicas go at once, and one at least

	mostPatience = 2 // times ScaleInAfter, where servers had to come back soon after they had gone
)

// Controller decides for one upstream. It is for one goroutine.
type Controller struct {
	settings   Settings
	thresholds gates

	begun, last   time.Time // when it was told first, and last
	arriving      window    // servers' worth of work that arrives
	trend         window    // the same, over a longer time
	trust         trust     // in the forecast
	busy          window    // servers' worth of slots in use
	out           window    // replicas that cannot be used
	late          window    // 1 where requests were late, else 0
	needed        window    // what each step found to be needed
	served        int       // by how many replicas, when late was begun
	active        time.Time // when there was anything to do last
	panicUntil    time.Time
	startingSince time.Time // replicas start without a break; zero: none does
	fullSince     time.Time // the same of requests that wait because all that serve are full
	outSince      time.Time // the same of replicas that cannot be used

	period     time.Time // since when, and from how many, the present step out counts
	periodFrom int

	wentOut   time.Time // when more were wanted last
	wentIn    time.Time // when fewer were, and none had to come back since
	patience  float64   // how many times ScaleInAfter fewer must suffice, from 1
	regretted time.Time // when patience was raised last
	asked     int       // by alerts: replicas more than there were
	askedAt   time.Time
}

// New is one that has seen nothing yet.
func New(s Settings) *Controller {
	c := &Controller{patience: 1}
	c.Configure(s)
	return c
}

// Configure puts other settings in force. What was seen stays, as far as it means the same.
func (c *Controller) Configure(s Settings) {
	s = s.withDefaults()
	if s.Capacity != c.settings.Capacity || c.begun.IsZero() {
		c.arriving, c.trend, c.busy = newWindow(arrivingWindow), newWindow(trendWindow), newWindow(stableWindow)
		c.trust = trust{}
	}
	if s.ScaleInAfter != c.settings.ScaleInAfter {
		c.needed = newWindow(mostPatience * s.ScaleInAfter)
	}
	c.out, c.late = newWindow(stableWindow), newWindow(stableWindow)
	c.settings, c.thresholds = s, newGates(s.Thresholds)
}

// restart forgets all that a clock which jumped makes meaningless.
func (c *Controller) restart(now time.Time) {
	for _, w := range []*window{&c.arriving, &c.trend, &c.busy, &c.out, &c.late, &c.needed} {
		w.clear()
	}
	c.begun, c.active, c.period, c.wentIn, c.wentOut, c.regretted = now, now, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	c.panicUntil, c.startingSince, c.outSince, c.askedAt, c.fullSince = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	c.asked, c.trust = 0, trust{}
	c.patience = 1
	c.thresholds = newGates(c.settings.Thresholds)
}

// Step takes in a sample and decides.
func (c *Controller) Step(now time.Time, s Sample) Decision {
	s = s.sound()
	if gap := now.Sub(c.last); c.last.IsZero() || gap < 0 || gap > max(10*c.settings.Interval, time.Minute) {
		c.restart(now)
	}
	c.last = now
	v := c.look(now, &s)
	c.thresholds.step(now, s.Resources)
	d := Decision{At: now, Now: s.Ready + s.Starting + s.Out, Coming: s.Starting, Need: math.NaN()}
	needs, missing := c.needs(&v), c.unknown(&v)
	largest, lasting := need{why: "nothing is to be done"}, 0.0
	for _, n := range needs {
		if n.servers > largest.servers {
			largest = n
		}
		if !n.passing {
			lasting = max(lasting, n.servers)
		}
	}
	if len(needs) > 0 && v.s.Age <= c.stale() {
		d.Need = largest.servers
	}
	c.note(&v, lasting, missing)
	wanted := d.Now
	switch {
	case s.Age > c.stale():
		d.Held, d.Reason = true, missing
	case d.Now == 0 && (s.WaitingRequests > 0 || s.Held > 0 || v.burst > 0):
		wanted, d.Reason = c.first(&v, largest)
	case d.Now > 0 && largest.servers > v.present+tolerated(&v):
		wanted, d.Reason = c.more(&v, largest, &d)
	default:
		wanted, d.Reason, d.Held = c.fewer(&v, largest, missing)
	}
	wanted = c.ask(&v, wanted, &d)
	d.Panic = now.Before(c.panicUntil)
	c.settle(&v, &d, wanted)
	d.Inputs = c.inputs(&v, needs)
	return d
}

// tolerated is how much too few may be there: while nobody waits a server may be a little busier than it shall be, or each
// swing of chance would start one.
func tolerated(v *view) float64 {
	if v.s.WaitingRequests > 0 {
		return band
	}
	return max(band, tolerance*v.present)
}

// note keeps what is needed to judge later steps.
func (c *Controller) note(v *view, needed float64, missing string) {
	s := v.s
	if s.InFlight != 0 || s.WaitingRequests != 0 || s.Held != 0 || s.Starting > 0 || !(s.Arriving == 0) || missing != "" {
		c.active = v.at
	}
	c.startingSince, c.outSince = since(c.startingSince, v.at, s.Starting > 0), since(c.outSince, v.at, s.Out > 0)
	if missing != "" {
		c.needed.clear() // a time of which not all is known proves nothing
		return
	}
	c.needed.add(v.at, needed)
}

// since is when something began that goes on; zero: it does not.
func since(was, now time.Time, on bool) time.Time {
	switch {
	case !on:
		return time.Time{}
	case was.IsZero():
		return now
	}
	return was
}

// settle bounds what is wanted, and puts it in words.
func (c *Controller) settle(v *view, d *Decision, wanted int) {
	if wanted < c.settings.Min {
		wanted, d.Held = c.settings.Min, false
		if d.Now < wanted {
			d.Reason = fmt.Sprintf("at least %d shall be there", c.settings.Min)
		} else {
			d.Reason = fmt.Sprintf("%d is the least that there shall be; %s", c.settings.Min, d.Reason)
		}
	}
	if wanted > c.settings.Max {
		wanted, d.Held = c.settings.Max, d.Now <= c.settings.Max
		d.Reason = fmt.Sprintf("%d is the most that there may be; %s", c.settings.Max, d.Reason)
	}
	d.Wanted = wanted
	switch {
	case d.Wanted > d.Now:
		d.Direction, c.wentOut = Out, v.at
		c.regret(v.at)
	case d.Wanted < d.Now:
		d.Direction = In
		c.wentIn = v.at
	}
	if d.Direction == Stay {
		d.Reason = fmt.Sprintf("%s: %s", count(d.Now, "stays", "stay"), d.Reason)
		return
	}
	d.Reason = fmt.Sprintf("%d → %d: %s", d.Now, d.Wanted, d.Reason)
}

// regret makes the next scale-in wait longer where servers have to come back soon after they have gone, so that what
// swings does not start and stop servers at each turn.
func (c *Controller) regret(now time.Time) {
	soon := time.Duration(2 * c.patience * float64(c.settings.ScaleInAfter))
	if !c.wentIn.IsZero() && now.Sub(c.wentIn) < soon {
		c.patience, c.regretted = min(2*c.patience, mostPatience), now
	}
	c.wentIn = time.Time{}
}

// inFor is for how long fewer must have sufficed.
func (c *Controller) inFor(now time.Time) time.Duration {
	if c.patience > 1 && now.Sub(c.regretted) > 4*mostPatience*c.settings.ScaleInAfter {
		c.patience, c.regretted = c.patience/2, now
	}
	return time.Duration(c.patience * float64(c.settings.ScaleInAfter))
}
