// From signs to faults: found once, placed, and over once.

package anomaly

import (
	"maps"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

// placedFor is for how many looks a fault's place is looked for, from its begin.
const placedFor = longest

// hold matches what the judges of an upstream say with the faults that are up.
func (d *Detector) hold(u *upstream, now time.Time) (news []Fault) {
	for _, h := range u.faults {
		h.up = false
	}
	for _, s := range u.signs(now, d.look) {
		if h := u.faults[s.key()]; h != nil {
			h.up, h.sign = true, s
			u.place(h, d.look, now)
			if now.Sub(h.fault.Found) >= staysFor && h.mayBeNormal() {
				u.normal(h.fault)
			}
			continue
		}
		h := &held{began: d.look, sign: s, up: true}
		h.fault = &Fault{ID: d.newID(), Symptom: s.symptom, Place: Place{Upstream: u.name}, Since: s.since, Found: now}
		u.place(h, d.look, now)
		if same := u.same(h.fault); same != nil {
			h.fault, h.fixed = same, true // another judge says the same
		} else {
			news = append(news, *h.fault)
		}
		u.faults[s.key()] = h
	}
	for key, h := range u.faults {
		if h.up {
			u.freeze = longest
			continue
		}
		delete(u.faults, key)
		if u.holds(h.fault) || h.fault.Over() {
			continue
		}
		h.fault.Until = now
		d.past = append(d.past, h.fault)
		news = append(news, *h.fault)
	}
	return news
}

// holds says whether a sign still holds a fault up.
func (u *upstream) holds(f *Fault) bool {
	for _, h := range u.faults {
		if h.fault == f {
			return true
		}
	}
	return false
}

// same is a fault that is up and has the same place, or whose symptom brings this one with it.
func (u *upstream) same(f *Fault) *Fault {
	for _, h := range u.faults {
		o := h.fault
		speed := (o.Symptom == Slow || o.Symptom == Apart || o.Symptom == Stalls) && (f.Symptom == Slow || f.Symptom == Apart || f.Symptom == Stalls)
		switch {
		case o.Symptom == f.Symptom && o.Place == f.Place, speed && o.Place == f.Place:
			return o
		case speed && f.Cause == OfUpstream && o.Cause != OfUpstream: // the part that is known already
			return o
		case f.Symptom == Slow && o.Symptom == Demand, f.Symptom == Demand && o.Symptom == Slow && o.Cause == OfUser: // more than it can do
			return o
		case o.Symptom == f.Symptom && f.Cause == OfUpstream:
			return o
		case o.Symptom == Outage && f.Symptom == Errors, f.Symptom == Outage && o.Symptom == Errors && o.Place.Endpoint == "": // what fails last, before nobody is there
			return o
		}
	}
	return nil
}

// place looks where the fault is, for as long as that may become clearer.
func (u *upstream) place(h *held, look int, now time.Time) {
	f, s := h.fault, &h.sign
	if h.fixed {
		return
	}
	if f.normal { // another of its signs is still up
		return
	}
	f.Ratio, f.Evidence = s.ratio, s.evidence
	if look-h.began >= placedFor && f.Text != "" {
		f.Text = f.sentence()
		return
	}
	looks := looksSince(s.since, now)
	l := u.tally.locate(s.symptom, look, looks, s.ratio)
	if times := math.Exp(u.Demand.shift()); s.symptom == Slow && s.endpoint == "" && !l.found && u.Demand.risen > 1 && times > busier {
		// All are slower, and more is asked of them: the work is the cause, and whoever brings it.
		demand := sign{symptom: Demand, since: s.since, ratio: times}
		f.describe(u.tally.locate(Demand, look, looks, times), &demand)
		f.Evidence["work_to_usual"] = stats.Round(times)
		return
	}
	f.describe(l, s)
}

// busier is how many times the usual work makes that the cause of all endpoints' being slow.
const busier = 1.5

// judgeGateway says when the gateway itself has become slow.
func (d *Detector) judgeGateway(now time.Time) (news []Fault) {
	switch {
	case d.overhead.raised && d.gateway == nil:
		s := pastSign(Overhead, d.overhead)
		f := &Fault{ID: d.newID(), Symptom: Overhead, Since: s.since, Found: now, Cause: OfGateway, Ratio: s.ratio, Share: 1, Evidence: s.evidence}
		f.Text, f.WhatToDo = f.sentence(), f.remedy()
		d.gateway = &held{fault: f, sign: s}
		return []Fault{*f}
	case d.gateway != nil && d.overhead.raised:
		if now.Sub(d.gateway.fault.Found) >= staysFor {
			d.overhead.accept()
			d.gateway.fault.takeForNormal()
		}
	case d.gateway != nil:
		f := d.gateway.fault
		f.Until, d.gateway = now, nil
		d.past = append(d.past, f)
		return []Fault{*f}
	}
	return nil
}

// Normal takes what a fault says for normal from now on: the measures that it is odd by begin anew. It reports whether
// there is such a fault.
func (d *Detector) Normal(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.upstreams {
		for _, h := range u.faults {
			if h.fault.ID == id {
				u.normal(h.fault)
				return true
			}
		}
	}
	if d.gateway != nil && d.gateway.fault.ID == id {
		d.overhead.accept()
		d.gateway.fault.takeForNormal()
		return true
	}
	return false
}

// staysFor is after how long a fault that goes on is taken for normal: its measures stand still while it is up, and would
// do so for ever. Nobody has mended it in a day, so that it tells nobody anything.
const staysFor = 24 * time.Hour

// mayBeNormal says whether a fault can be taken for normal without anybody's word. Where most requests fail, it cannot.
func (h *held) mayBeNormal() bool {
	switch h.sign.symptom {
	case Errors, Truncated, Stalls, Outage:
		return h.sign.ratio < 0.5
	}
	return true
}

// normal takes what a fault says for normal.
func (u *upstream) normal(f *Fault) {
	for _, h := range u.faults {
		if h.fault == f {
			u.accept(&h.sign)
		}
	}
	f.takeForNormal()
}

// takeForNormal has its end say why it ends.
func (f *Fault) takeForNormal() {
	if f.normal {
		return
	}
	f.normal, f.Evidence = true, maps.Clone(f.Evidence)
	if f.Evidence == nil {
		f.Evidence = map[string]any{}
	}
	f.Evidence["taken_for_normal"] = true
	f.Text += "; that goes on, and is taken for normal from now on"
}

// accept begins the measures of a sign anew.
func (u *upstream) accept(s *sign) {
	fresh := func(r *ratio) {
		if r != nil {
			*r = *newRatio(r.band, r.whole)
			// What it is now is what it is known for.
			r.Bad, r.All = s.ratio*ratioKnown, ratioKnown
			r.settle()
		}
	}
	switch e := u.endpoints[s.endpoint]; {
	case e != nil && (s.symptom == Slow || s.symptom == Apart):
		e.reset()
	case e != nil:
		fresh(e.Trouble[s.symptom])
	case s.symptom == Outage:
		u.outage = outage{}
	case s.symptom == Demand:
		u.Demand.accept()
	case s.symptom == Slow && s.model != "":
		if m := u.Models[s.model]; m != nil {
			m.Past.accept()
		}
	case s.symptom == Slow:
		u.Speed.accept()
		for _, e := range u.list {
			e.reset()
		}
	default:
		fresh(u.Trouble[s.symptom])
		for _, e := range u.list {
			fresh(e.Trouble[s.symptom])
		}
	}
}
