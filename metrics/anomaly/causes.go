// The table of causes: what a fault is called, and what to do.

package anomaly

import (
	"fmt"
	"math"
	"strings"
)

// describe fills in cause, place and texts from where the excess is.
func (f *Fault) describe(l located, s *sign) {
	f.Place.Endpoint, f.Place.Model, f.Place.User, f.Place.Phase = "", "", "", ""
	f.Share, f.Others = 0, l.shares[byEndpoint]
	f.Cause = OfUpstream
	if l.found {
		f.Others, f.Share = l.shares[l.main], min(l.shares[l.main][0].Part, 1)
		switch l.main {
		case byEndpoint:
			f.Cause, f.Place.Endpoint = OfEndpoint, l.name[byEndpoint]
		case byModel:
			f.Cause, f.Place.Model = OfModel, l.name[byModel]
		case byUser:
			f.Cause, f.Place.User = OfUser, l.name[byUser]
		}
	}
	switch {
	case s.endpoint != "" && f.Cause != OfEndpoint:
		f.Cause, f.Place = OfEndpoint, Place{Upstream: f.Place.Upstream, Endpoint: s.endpoint}
	case s.model != "" && !l.found:
		f.Cause, f.Place.Model = OfModel, s.model
	case s.symptom == Demand && !l.found:
		f.Cause = OfDemand
	}
	if s.symptom == Errors && l.name[byPhase] != "" {
		f.Place.Phase = l.name[byPhase]
		if f.Place.Phase == "connect" {
			f.Cause = OfNetwork
		}
	}
	f.Text, f.WhatToDo = f.sentence(), f.remedy()
}

// sentence is what happens, and where.
func (f *Fault) sentence() string {
	what := ""
	switch f.Symptom {
	case Slow, Apart:
		what = fmt.Sprintf("requests take %.3g times as long for their work as they should", f.Ratio)
	case Errors:
		what = fmt.Sprintf("%s of the requests fail", percent(f.Ratio))
	case Truncated:
		what = fmt.Sprintf("%s of the answers are cut short", percent(f.Ratio))
	case Stalls:
		what = fmt.Sprintf("%s of the requests stall: they take many times as long as they should", percent(f.Ratio))
	case Demand:
		what = fmt.Sprintf("%.3g times the usual work for this hour is asked for", f.Ratio)
	case Outage:
		what = fmt.Sprintf("%s of the requests find no endpoint that takes them", percent(f.Ratio))
	case Overhead:
		return fmt.Sprintf("the gateway itself takes %.3g times as long as it did", f.Ratio)
	}
	return f.where() + ": " + what
}

func (f *Fault) where() string {
	p := f.Place
	switch f.Cause {
	case OfEndpoint:
		return fmt.Sprintf("endpoint %s of %s", p.Endpoint, p.Upstream)
	case OfModel:
		return fmt.Sprintf("model %s of %s, on all endpoints", p.Model, p.Upstream)
	case OfUser:
		return fmt.Sprintf("user %s of %s, on all endpoints", p.User, p.Upstream)
	case OfNetwork:
		if p.Endpoint != "" {
			return fmt.Sprintf("the way to endpoint %s of %s", p.Endpoint, p.Upstream)
		}
		return "the way to the endpoints of " + p.Upstream
	case OfGateway:
		return "the gateway or its machine"
	}
	if names := shareNames(f.Others); names != "" && f.Cause == OfUpstream && len(f.Others) < 3 {
		return fmt.Sprintf("upstream %s, most of it at %s", p.Upstream, names)
	}
	return "upstream " + p.Upstream
}

func shareNames(list []Share) string {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return strings.Join(names, " and ")
}

// remedy is what to do about it.
func (f *Fault) remedy() string {
	switch f.Cause {
	case OfEndpoint:
		switch f.Symptom {
		case Slow, Apart:
			return "look at its machine (clocks, heat, memory, others' work) and drain it meanwhile; if it has always been so, lower its capacity, or say that this is normal now"
		case Stalls:
			return "look at its engine's queue and log, and restart it"
		}
		return "look at its engine's log; drain it meanwhile"
	case OfModel:
		return "look at what has changed with this model: its version, adapter, quantisation, or the length of its prompts"
	case OfUser:
		return "talk to them; until then bound what they may ask for (clients, or a route of their own with a lower priority)"
	case OfNetwork:
		return "look at the network between the gateway and the server, and at whether the server listens"
	case OfDemand:
		return "add servers, or bound the queue; if it stays like this, say that this is normal now"
	case OfGateway:
		return "look at what else the gateway's machine does, and at its CPU"
	}
	if f.Symptom == Outage {
		return "look at why its endpoints fail their probes or have been taken out: the network, or what they share"
	}
	if f.Symptom == Slow {
		return "look at what all its endpoints share: the model's version, a disk, the network, the length of prompts"
	}
	return "look at what all its endpoints share: a release, a model file, an authority they ask"
}

func percent(part float64) string {
	if part < 0.1 {
		return fmt.Sprintf("%.1f %%", 100*part)
	}
	return fmt.Sprintf("%.0f %%", math.Round(100*part))
}
