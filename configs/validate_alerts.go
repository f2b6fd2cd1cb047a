// What may be wrong with the section alerts.

package configs

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// keptOver is the longest time over which rules look back; objectives have windows of their own.
	keptOver  = time.Hour
	mostLabel = 256 // bytes of a text that becomes a label or a line
)

func (r *report) validateAlerts(c *Config) {
	a, p := &c.Alerts, path("alerts")
	between(r, p.key("interval"), a.Interval, time.Second, time.Minute, "give the time from one evaluation of the rules to the next")
	r.validateWritten(p.key("state_file"), a.StateFile, false)
	var upstreams []string
	for i := range c.Upstreams {
		upstreams = append(upstreams, c.Upstreams[i].Name)
	}
	on := map[string]string{} // what each rule is on, by its name
	if a.Defaults {
		for name, subject := range DefaultAlerts {
			on[name] = subject
		}
	}
	for i := range c.Upstreams {
		if s := c.Upstreams[i].Scale; s != nil {
			for _, t := range s.Thresholds {
				if t.Do == "alert" {
					on[ThresholdAlert(c.Upstreams[i].Name, t.Metric)] = "endpoint"
				}
			}
		}
	}
	named := map[string]path{}
	for i := range a.SLO {
		at := p.key("slo").item(i)
		r.validateName(at.key("name"), a.SLO[i].Name)
		for j, name := range burnRules(a.SLO[i].Name) {
			if j == 0 {
				r.unique(named, at.key("name"), name, "rule")
			}
			named[name], on[name] = at.key("name"), "upstream"
		}
		r.validateObjective(at, &a.SLO[i], upstreams)
	}
	for i := range a.Rules {
		at, rule := p.key("rules").item(i), &a.Rules[i]
		r.validateName(at.key("name"), rule.Name)
		r.unique(named, at.key("name"), rule.Name, "rule")
		on[rule.Name] = rule.On
		r.validateRule(at, rule, a.Interval, upstreams)
	}
	r.validateActions(p.key("actions"), a.Actions, on)
}

func (r *report) validateObjective(p path, o *Objective, upstreams []string) {
	if o.Upstream != "" && !slices.Contains(upstreams, o.Upstream) {
		r.add(p.key("upstream"), Suggest(o.Upstream, upstreams), "there is no upstream %s", quote(o.Upstream))
	}
	period := time.Duration(o.Period)
	goodPeriod := between(r, p.key("period"), o.Period, Period(3*day), Period(366*day), "give the time over which the objective is to be kept, such as 30d")
	switch at := p.key("objective"); {
	case !r.places.given(at):
		r.missing(at, "give the part of the requests that must be good, such as 0.99")
	case !r.finite(at, o.Objective, "give the part of the requests that must be good, such as 0.99"):
	case o.Objective == 1:
		r.add(at, "write 0.999, or less", "must be below 1, is 1: there would be no budget, and one bad request would be too much for ever")
	case o.Objective > 1 && o.Objective < 100:
		r.add(at, "write "+show(math.Round(o.Objective*1e4)/1e6), "must be below 1, is %s", show(o.Objective))
	case o.Objective <= 0 || o.Objective >= 1:
		r.add(at, "give the part of the requests that must be good, such as 0.99", "must be above 0 and below 1, is %s", show(o.Objective))
	case goodPeriod:
		if least, burn, window := LeastObjective(period); o.Objective <= least {
			r.add(at, "raise it, or shorten period",
				"must be above %s with a period of %s, is %s: its rule over %s fires when the budget goes %s times as fast as it may, and not even the failure of all requests would make it go so fast",
				strconv.FormatFloat(least, 'f', 4, 64), o.Period, show(o.Objective), window, strconv.FormatFloat(burn, 'g', 3, 64))
		}
	}
	if o.Good.FirstByte != 0 && o.Good.Response != 0 {
		r.add(p.key("good"), "keep one of the two, and write another objective for the other", "has both first_byte and response")
	}
	r.validateBound(p.key("good").key("first_byte"), o.Good.FirstByte, "steelyard_first_byte_time_seconds")
	r.validateBound(p.key("good").key("response"), o.Good.Response, "steelyard_response_time_seconds")
	between(r, p.key("min_events"), o.MinEvents, 1, 1_000_000, "give how many bad requests there must be for an alert")
}

// validateBound reports a bound that no bucket of the histogram has.
func (r *report) validateBound(p path, bound time.Duration, histogram string) {
	if !r.places.given(p) {
		return
	}
	bounds := knownMetrics[histogram].bounds
	if slices.Contains(bounds, bound) {
		return
	}
	var known []string
	for _, b := range bounds {
		known = append(known, show(b))
	}
	r.add(p, "use one of these: "+strings.Join(known, ", "), "must be a bound of the buckets of %s, is %s", histogram, show(bound))
}

// validateActions reports actions that could never be taken. on is what each rule is on.
func (r *report) validateActions(p path, actions []AlertAction, on map[string]string) {
	names := make([]string, 0, len(on))
	for name := range on {
		names = append(names, name)
	}
	slices.Sort(names)
	named := map[string]path{}
	for i := range actions {
		a, at := &actions[i], p.item(i)
		r.validateName(at.key("name"), a.Name)
		r.unique(named, at.key("name"), a.Name, "action")
		r.oneOf(at.key("do"), a.Do, alertActions...)
		subject, known := on[a.Alert]
		switch {
		case a.Alert == "":
			r.missing(at.key("alert"), "name the rule whose alerts are acted on")
		case !known:
			r.add(at.key("alert"), Suggest(a.Alert, names), "there is no rule %s", quote(a.Alert))
		case (a.Do == "drain" || a.Do == "recover") && subject != "endpoint":
			r.add(at.key("do"), "name a rule that is on each endpoint", "%s acts on an endpoint, and rule %s is on each %s", a.Do, a.Alert, subject)
		case a.Do == "scale" && subject == "gateway":
			r.add(at.key("do"), "name a rule that is on each upstream or endpoint", "scale acts on an upstream, and rule %s is on the gateway", a.Alert)
		}
		between(r, at.key("every"), a.Every, time.Second, 24*time.Hour, "give the time from one action to the next, for the same upstream and endpoint")
		between(r, at.key("limit"), a.Limit, 1, 1000, "give how many times it may be done within an hour")
		r.validateActionKeys(at, a)
	}
}

// validateActionKeys reports keys that are out of range, or that this kind of action does not have.
func (r *report) validateActionKeys(p path, a *AlertAction) {
	if a.Do == "shed" {
		between(r, p.key("priority"), a.Priority, 1, 9, "give the priority below which requests are turned away; routes have 5 unless they say otherwise")
		between(r, p.key("lasts"), a.Lasts, time.Second, 24*time.Hour, "give how long it lasts at most")
	} else {
		r.unlessGiven(p.key("priority"), a.Priority != 0, "shed", a.Do)
		r.unlessGiven(p.key("lasts"), a.Lasts != 0, "shed", a.Do)
	}
	if a.Do == "scale" {
		if a.By == 0 || a.By < -100 || a.By > 100 {
			r.add(p.key("by"), "give how many endpoints more are wanted, or fewer with a minus", "must be from -100 to 100 and not 0, is %s", show(a.By))
		}
	} else {
		r.unlessGiven(p.key("by"), a.By != 0, "scale", a.Do)
	}
}

func (r *report) unlessGiven(p path, given bool, of, do string) {
	if given {
		r.add(p, "remove it", "has a meaning with do: %s alone, and this is %s", of, quote(do))
	}
}

// reviewAlerts notes what has no effect, or is lost at a restart.
func (r *report) reviewAlerts(c *Config) {
	a, p := &c.Alerts, path("alerts")
	if a.StateFile == "" && (len(a.Rules) > 0 || len(a.SLO) > 0) {
		r.note(p, "give state_file", "states of alerts and windows of objectives are lost at a restart")
	}
	recovers := slices.ContainsFunc(c.Upstreams, func(u Upstream) bool { return u.Recovery != nil })
	for i := range a.Actions {
		if a.Actions[i].Do == "recover" && !recovers {
			r.note(p.key("actions").item(i), "give some upstream a recovery", "has no effect: no upstream has a recovery")
		}
	}
}
