// What is needed, by each of the figures.

package autoscale

import (
	"fmt"
	"math"
	"time"
)

// need is what one figure asks for, in servers' worth of work.
type need struct {
	key     string // in Decision.Inputs
	servers float64
	why     string
	passing bool // it is over when what waits is done: it says nothing of how many are needed then
}

// most bounds every figure: what is larger is a mistake of whoever measured it.
const most = 1e9

// view is a sample in servers' worth of work.
type view struct {
	at       time.Time
	s        *Sample
	arriving float64 // of late (arrivingWindow); NaN: not known
	burst    float64 // the same by the short window
	level    float64 // what is to be done, by what arrives and what is in flight; NaN: not known
	waiting  float64 // in seconds of one server; NaN: not known
	busy     float64 // of late; NaN: not known
	worth    float64 // what serves
	present  float64 // and what soon will, or is out for a moment
	foretold float64 // for when a replica that is started now is ready; NaN: not known
	lead     time.Duration
}

// look takes a sample in.
func (c *Controller) look(now time.Time, s *Sample) view {
	one := c.settings.Capacity
	if known(s.Capacity) && s.Capacity > 0 {
		one = s.Capacity
	}
	v := view{at: now, s: s, worth: float64(s.Ready), lead: s.Lead, waiting: bounded(s.Waiting / one), foretold: bounded(s.Forecast / one)}
	if known(s.Worth) && s.Worth > 0 {
		v.worth = bounded(s.Worth / one)
	}
	if v.lead <= 0 {
		v.lead = c.settings.StartTime
	}
	v.lead = min(v.lead, c.settings.StartTimeout)
	if a := bounded(s.Arriving / one); known(a) {
		c.arriving.add(now, a)
		c.trend.add(now, a)
	}
	switch {
	case s.Slots > 0 && s.InFlight >= 0:
		c.busy.add(now, min(float64(s.InFlight)/float64(s.Slots), 1)*v.worth)
	case s.InFlight == 0:
		c.busy.add(now, 0)
	}
	c.out.add(now, float64(s.Out))
	v.arriving, v.burst = c.arriving.mean(now, c.back(arrivingWindow)), c.arriving.mean(now, panicWindow)
	v.busy = c.busy.mean(now, c.back(stableWindow))
	v.level = level(v.busy, v.arriving, c.arriving.off(now, c.back(arrivingWindow)))
	c.trust.look(now, v.level, v.foretold, v.lead)
	full := s.WaitingRequests > 0 || s.Slots == 0 || s.InFlight >= s.Slots
	if full && v.burst/c.settings.TargetUtilization >= panicRatio*max(v.worth, 1) && v.burst >= v.arriving+panicSure*c.chance(now, 2*panicWindow, panicWindow) {
		c.panicUntil = now.Add(c.back(stableWindow))
	}
	v.present = v.worth + float64(s.Starting) + float64(s.Out)
	if c.out.covers(now) {
		v.present -= c.out.low() // out for so long is missing
	}
	return v
}

// back is how far to look back: as far as usual, but no more than three times as long as a server stays that is not needed. Who
// lets servers go after seconds does not want to hear of minutes ago.
func (c *Controller) back(usual time.Duration) time.Duration {
	return min(usual, max(3*c.settings.ScaleInAfter, panicWindow))
}

// chance is how far off the mean of what arrives may be in so short a time (its standard error), by how it scattered before the newest
// figures; 0: that is not known. A few requests of much work look like a burst.
func (c *Controller) chance(now time.Time, newest, over time.Duration) float64 {
	scatter, _ := c.arriving.scatter(now, newest, c.back(arrivingWindow))
	if !known(scatter) {
		return 0
	}
	each := max(c.settings.Interval, c.arriving.size)
	return scatter * math.Sqrt(float64(each)/float64(over))
}

// bounded is a figure that arithmetic can bear; NaN: it is none.
func bounded(v float64) float64 {
	if !known(v) {
		return math.NaN()
	}
	return min(v, most)
}

// unknown says what is missing so that nothing can be said of how few would suffice; "": nothing.
func (c *Controller) unknown(v *view) string {
	switch {
	case v.s.Age > c.stale():
		return fmt.Sprintf("the newest figure is %s old", short(v.s.Age))
	case math.IsNaN(bounded(v.s.Arriving)) && v.s.Slots <= 0 && v.s.InFlight != 0:
		return "it is not known how much work arrives, and the servers have no slots"
	case math.IsNaN(v.waiting) && v.s.WaitingRequests != 0:
		return "it is not known how much work waits"
	}
	return c.thresholds.unknown()
}

// stale is how old the newest figure may be.
func (c *Controller) stale() time.Duration { return max(3*c.settings.Interval, 15*time.Second) }

// needs is what each figure asks for.
func (c *Controller) needs(v *view) (list []need) {
	add := func(key string, servers float64, passing bool, format string, args ...any) {
		if known(servers) {
			list = append(list, need{key, min(servers, most), fmt.Sprintf(format, args...), passing})
		}
	}
	add("need_level", c.room(v.level), false, "%s worth of work is to be done, and a server shall be %s busy", servers(v.level), c.aim(v.level))
	if v.at.Before(c.panicUntil) {
		add("need_panic", c.room(v.burst), true, "%s worth of work arrives at once", servers(v.burst))
	}
	if f := c.full(v); f > 0 {
		add("need_full", c.room(f), false, "%s worth of work arrives, and all servers are full for a while", servers(f))
	}
	if w, why := c.queued(v); w > 0 {
		add("need_queue", w, true, "%s", why)
	}
	if late := c.lateness(v); late != "" {
		add("need_wait", v.present+1, false, "%s", late)
	}
	if hot := c.thresholds.over(); hot != "" && v.s.Starting == 0 {
		add("need_threshold", v.present+1, false, "%s", hot)
	}
	if c.settings.Predict == PredictFloor {
		list = append(list, c.foreseen(v)...)
	}
	return list
}

// room is how many servers a level of work needs. Work that comes by chance needs room above its mean, as much as it spreads,
// and it spreads by its square root: many servers may be busier than one, for the same waits. TargetUtilization says how
// busy one alone may be.
func (c *Controller) room(level float64) float64 {
	u := c.settings.TargetUtilization
	return level + (1-u)/math.Sqrt(u)*math.Sqrt(level) // u + (1-u) is one
}

// aim is how busy servers shall be at a level of work.
func (c *Controller) aim(level float64) string {
	share := c.settings.TargetUtilization
	if level > 0 {
		share = level / c.room(level)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

// level is how much is to be done. What is in flight shows it best where all is served at once: it swings less than what
// arrives. But it follows late where requests are long, and while what waits is worked off it shows only that all are busy. So
// it counts as far as what arrives bears it out, give or take what may be chance.
func level(busy, arriving, off float64) float64 {
	switch {
	case math.IsNaN(busy):
		return arriving
	case math.IsNaN(arriving) || math.IsNaN(off):
		return busy
	}
	return min(max(busy, arriving-off), arriving+2*off)
}

// queued is what clears what waits. Of what waits now, those that serve do a part until others are there; and where
// they do not suffice for what arrives, more comes until then.
func (c *Controller) queued(v *view) (servers float64, why string) {
	w := v.waiting
	if math.IsNaN(w) || w == 0 && v.s.WaitingRequests == 0 {
		return 0, ""
	}
	arriving := v.arriving
	if late := c.arriving.mean(v.at, stableWindow) - c.chance(v.at, 0, stableWindow); known(late) && !(late <= arriving) {
		arriving = late // what surely comes: over the time of a start a little would be much
	}
	if math.IsNaN(arriving) {
		arriving = v.worth // they are busy, or nobody would wait
	}
	left := w + (arriving-v.worth)*v.lead.Seconds()
	if left/max(v.worth, 1) <= c.settings.TargetWait.Seconds() {
		return 0, ""
	}
	within := max(c.settings.ClearWithin, c.settings.TargetWait)
	if c.settings.ClearWithin == 0 {
		within = max(v.lead, leastClear, c.settings.TargetWait)
	}
	servers = arriving + left/within.Seconds()
	return min(servers, arriving+max(v.present, 1)), fmt.Sprintf("%s of work wait, a server needs %s to start", seconds(w), short(v.lead))
}

// lateness says that requests wait for too long, or that answers begin too late, again and again. One server more is
// asked for then, and the next one when that one serves.
func (c *Controller) lateness(v *view) string {
	s := v.s
	why, late := "", 0.0
	switch {
	case s.OldestWait > c.settings.TargetWait:
		why = fmt.Sprintf("requests wait for %s, and shall for %s at most", short(s.OldestWait), short(c.settings.TargetWait))
	case over(s.FirstByte, s.FirstByteObjective):
		why = fmt.Sprintf("answers begin after %s, and shall after %s at most", seconds(s.FirstByte), seconds(s.FirstByteObjective))
	case over(s.PerToken, s.PerTokenObjective):
		why = fmt.Sprintf("a token takes %.0f ms, and shall take %.0f ms at most", 1e3*s.PerToken, 1e3*s.PerTokenObjective)
	}
	if why != "" {
		late = 1
	}
	if serving := s.Ready; serving != c.served { // what was late with other servers says nothing of these
		c.served = serving
		c.late.clear()
	}
	c.late.add(v.at, late)
	switch often := c.late.mean(v.at, stableWindow); {
	case why == "" || s.Starting > 0 || s.Ready == 0 || !c.late.covers(v.at) || often < lateOften:
		return ""
	case s.OldestWait <= c.settings.TargetWait && v.busy < v.worth*c.settings.TargetUtilization/2:
		return "" // they have little to do: more of them would be as slow
	}
	return why
}

func over(value, objective float64) bool { return known(value) && objective > 0 && value > objective }

// foreseen is what will be needed when a server that is started now is ready. It only ever adds.
func (c *Controller) foreseen(v *view) (list []need) {
	if known(v.foretold) && c.trust.worth() {
		list = append(list, need{"need_forecast", min(c.room(v.foretold), most), fmt.Sprintf("%s worth of work is foretold for when a new one is ready", servers(v.foretold)), false})
	}
	slope, off := c.trend.line(v.at, min(2*v.lead+2*stableWindow, trendWindow))
	if known(v.arriving) && slope > trendSure*off && slope > 0 {
		ahead := min(v.arriving+slope*(v.lead+stableWindow/2).Seconds(), 2*v.arriving+1)
		list = append(list, need{"need_trend", min(c.room(ahead), most), fmt.Sprintf("work grows: %s worth of it arrive when a new one is ready", servers(ahead)), false})
	}
	return list
}
