// One evaluation of all rules.

package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Step evaluates all rules as of now, tells what has changed, and saves it.
func (e *Engine) Step(now time.Time) {
	began := time.Now()
	names, planned := e.wanted()
	samples := e.Registry.Gather(names)
	subjects := e.subjects(samples)

	e.mu.Lock()
	before := e.clock
	passed := e.pass(now)
	e.steps++
	l := e.counters.look(samples, names, before, e.clock)
	if e.planned == planned { // else some rules were not read for
		e.count(l, subjects)
		e.evaluate(l, subjects, passed, now.Round(0))
	}
	e.dropOld(now)
	changes := e.changes
	e.changes = nil
	e.stats.Steps++
	e.stats.Took += time.Since(began)
	e.mu.Unlock()

	for _, a := range changes {
		e.publish(&a)
		if e.OnChange != nil {
			e.OnChange(a)
		}
	}
	e.save(now)
	if e.OnStep != nil {
		e.OnStep(now)
	}
}

// wanted are the names of the metrics that some rule reads.
func (e *Engine) wanted() (names map[string]bool, planned uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	names = map[string]bool{}
	for _, r := range e.rules {
		for _, name := range r.metricNames() {
			names[name] = true
		}
	}
	return names, e.planned
}

// subjects are what rules are evaluated for.
func (e *Engine) subjects(samples []metrics.Sample) []Subject {
	if e.Subjects != nil {
		return e.Subjects()
	}
	return subjectsOf(samples)
}

// subjectsOf are the upstreams and endpoints that samples tell of.
func subjectsOf(samples []metrics.Sample) []Subject {
	seen := map[Subject]bool{}
	for i := range samples {
		if u := samples[i].Label("upstream"); u != "" {
			seen[Subject{Upstream: u}] = true
			if endpoint := samples[i].Label("endpoint"); endpoint != "" {
				seen[Subject{Upstream: u, Endpoint: endpoint}] = true
			}
		}
	}
	list := make([]Subject, 0, len(seen))
	for s := range seen {
		list = append(list, s)
	}
	return list
}

// pass lets time go on to now, and returns how much of it counts for rules: where evaluations were
// missed, what one would have been. The caller holds mu.
func (e *Engine) pass(now time.Time) (counts time.Duration) {
	last := e.at
	e.at = now
	if last.IsZero() {
		return 0
	}
	truly := e.elapsed(last, now)
	passed := max(truly, 0)
	e.clock += passed
	for _, b := range e.budgets {
		b.window.Advance(passed)
	}
	if off := now.Round(0).Sub(last.Round(0)) - truly; off > jump || off < -jump {
		e.Complain(fmt.Errorf("the clock has jumped by %s: what alerts remember of the time of day is shifted", off))
		for _, i := range e.instances {
			i.shift(off)
		}
		for i := range e.gone {
			a := &e.gone[i]
			a.Since, a.StartsAt, a.EndsAt = a.Since.Add(off), a.StartsAt.Add(off), a.EndsAt.Add(off)
		}
		e.dirty = true
	}
	if passed > 2*e.interval {
		return e.interval
	}
	return passed
}

// evaluate holds all rules against what was seen. The caller holds mu.
func (e *Engine) evaluate(l *look, subjects []Subject, passed time.Duration, now time.Time) {
	for _, i := range e.instances {
		i.seen = false
	}
	upstreams := upstreamsOf(subjects)
	for _, r := range e.rules {
		on := upstreams
		switch r.On {
		case OnGateway:
			on = []Subject{{}}
		case OnEndpoint:
			on = slices.DeleteFunc(slices.Clone(subjects), func(s Subject) bool { return s.Endpoint == "" })
		}
		var all map[Subject]*sums
		if r.Burn == nil {
			all = l.add(r)
		}
		for _, s := range on {
			if r.concerns(s) {
				e.evaluateOne(l, r, s, all[Subject{Upstream: s.Upstream, Endpoint: s.Endpoint}], passed, now)
			}
		}
	}
	for key, i := range e.instances {
		if !i.seen {
			reason := Removed
			if i.rule == nil {
				reason = RuleRemoved
			}
			e.endInstance(i, reason, now)
			delete(e.instances, key)
		}
	}
}

func (e *Engine) evaluateOne(l *look, r *Rule, s Subject, x *sums, passed time.Duration, now time.Time) {
	key := instanceKey(r.Name, s)
	i := e.instances[key]
	if i == nil {
		i = &instance{rule: r, name: r.Name, subject: s, history: history{over: r.Over}, since: now}
		e.instances[key] = i
	}
	i.seen = true
	if s.Endpoint != "" && s.Drained && !r.Drained {
		i.history = history{over: r.Over}
		if i.state != Inactive || i.told {
			e.told(i, i.end(DrainedNow, now))
		}
		return
	}
	before := i.state
	var f found
	if r.Burn != nil {
		f = r.Burn.burning(e.budget(r.Burn.SLO, s.Upstream).window)
	} else {
		f = l.find(r, x, &i.history)
	}
	e.told(i, i.step(f, passed, e.clock, now))
	e.dirty = e.dirty || i.state != before
}

// told notes what an instance has to tell.
func (e *Engine) told(i *instance, j judgement) {
	if j == tell {
		e.changes = append(e.changes, i.show())
		e.dirty = true
	}
}

// endInstance ends an alert whose instance goes; it is shown for a while.
func (e *Engine) endInstance(i *instance, reason string, now time.Time) {
	e.dirty = e.dirty || i.state != Inactive
	if i.end(reason, now) == tell {
		a := i.show()
		e.changes, e.gone = append(e.changes, a), append(e.gone, a)
		e.dirty = true
	}
}

// dropOld forgets alerts of removed subjects that have been over for a while. The caller holds mu.
func (e *Engine) dropOld(now time.Time) {
	e.gone = slices.DeleteFunc(e.gone, func(a Alert) bool { return now.Sub(a.EndsAt) >= keepResolved })
}

func instanceKey(rule string, s Subject) string {
	return rule + "\x1f" + s.Upstream + "\x1f" + s.Endpoint
}

func upstreamsOf(subjects []Subject) (list []Subject) {
	seen := map[string]bool{}
	for _, s := range subjects {
		if !seen[s.Upstream] {
			seen[s.Upstream] = true
			list = append(list, Subject{Upstream: s.Upstream})
		}
	}
	return list
}

// budget is what is counted for an objective and an upstream. The caller holds mu.
func (e *Engine) budget(s *SLO, upstream string) *budget {
	key := s.key() + "\x1f" + upstream
	b := e.budgets[key]
	if b == nil {
		b = newBudget()
		e.budgets[key] = b
	}
	b.used = e.steps
	return b
}

// count adds what was seen to the windows of objectives, each once. The caller holds mu.
func (e *Engine) count(l *look, subjects []Subject) {
	counted := map[*SLO]bool{}
	for _, r := range e.rules {
		if r.Burn == nil || counted[r.Burn.SLO] {
			continue
		}
		slo := r.Burn.SLO
		counted[slo] = true
		for _, s := range upstreamsOf(subjects) {
			if slo.Upstream == "" || slo.Upstream == s.Upstream {
				e.budget(slo, s.Upstream)
			}
		}
		for _, name := range slo.metricNames() {
			for _, g := range l.byName[name] {
				b := e.budgets[slo.key()+"\x1f"+g.sample.Label("upstream")]
				if b != nil && b.used == e.steps {
					all, bad := slo.count(g.sample, g.increase, g.buckets)
					b.window.Add(uint64(all), uint64(min(bad, all)))
					b.changed = b.changed || all > 0
				}
			}
		}
	}
	for key, b := range e.budgets {
		if b.used != e.steps {
			delete(e.budgets, key)
		}
	}
}

// publish makes an event of a change.
func (e *Engine) publish(a *Alert) {
	ev := event.Event{Kind: event.AlertFiring, At: a.StartsAt, Upstream: a.Upstream, Endpoint: a.Endpoint, Cause: a.Summary, Action: a.Remedy,
		Evidence: map[string]any{"alert": a.Name, "severity": a.Severity, "value": a.Value, "fingerprint": a.Fingerprint()}}
	switch {
	case a.Flapping:
		ev.Action = "nothing more is told before it has been calm for " + shortly(calmAfter)
	case a.State != Firing:
		ev.Kind, ev.At, ev.Action, ev.Cause = event.AlertOver, a.EndsAt, "", "its condition no longer holds"
		if a.Reason != "" {
			ev.Cause = a.Reason
		}
		ev.Evidence["seconds"] = a.EndsAt.Sub(a.StartsAt).Seconds()
	}
	e.Events.Publish(ev)
}
