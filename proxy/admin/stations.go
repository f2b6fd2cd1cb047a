// The loop: monitor, alert, scale, recover, analyse, optimise, and what each did last.

package admin

import (
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// station is one step of the loop.
type station struct {
	Name  string     `json:"name"`
	State string     `json:"state"`         // works, acts (something is under way), idle (nothing to do), off
	Now   string     `json:"now"`           // how things are
	Did   string     `json:"did,omitempty"` // what it did last
	At    *time.Time `json:"at,omitempty"`  // when
}

// The states of a station.
const (
	works = "works"
	acts  = "acts"
	idle  = "idle"
	off   = "off"
)

// deeds are the events that a station makes.
var deeds = map[string][]event.Kind{
	"monitor": {event.ProbeFailed, event.ProbePassed, event.Unreachable, event.Back, event.SignalLost, event.SignalBack, event.ResourceLost, event.ResourceBack,
		event.Restarted, event.EndpointsChanged, event.Arrived, event.Departing, event.DepartingOver, event.DiscoveryFailed, event.DiscoveryHeld, event.DiscoveryBack, event.DiscoveryFaults},
	"alert": {
		event.AlertFiring, event.AlertOver, event.ActionTaken, event.ActionFailed, event.WouldAct, event.AlertsUndelivered, event.AlertsDelivered,
		event.Silenced, event.Unsilenced, event.WebhookFailing, event.WebhookBack,
	},
	"scale": {
		event.SpilledOver, event.SpillOver, event.ScaleAsked, event.ScaleOut, event.ScaleIn, event.ScaleKept, event.ScaleFailed, event.ScaleBack, event.ScaleAdopted,
		event.WouldScale, event.ScalePaused, event.ScaleResumed,
	},
	"recover": {
		event.Ejected, event.Restored, event.OnTrial, event.TrialPassed, event.Ramping, event.RampOver, event.Recovery, event.RecoveryFailed,
		event.WouldRecover, event.CoolingOff, event.Poisoned, event.RetryBudgetSpent, event.Shed, event.ShedOver, event.NoEndpoint, event.NoEndpointOver, event.Panic, event.PanicOver,
	},
	"analyse":  {event.WouldEject, event.Slowing, event.FaultFound, event.FaultOver, event.TrendSeen},
	"optimise": {event.Advised, event.Optimised, event.OptimiseUndone},
}

// stations are the six, in the order of the loop.
func (s *Server) stations(upstreams []Upstream, events []event.Event, now time.Time) []station {
	list := []station{
		s.monitor(upstreams), s.alert(), s.scale(upstreams), s.recovery(upstreams), s.analyse(), s.optimise(upstreams),
	}
	for i := range list {
		st := &list[i]
		if e := lastDeed(events, deeds[st.Name]); e != nil && (st.At == nil || e.At.After(*st.At)) {
			st.Did, st.At = deed(e), &e.At
		}
		if st.At != nil {
			at := st.At.UTC()
			st.At = &at
		}
	}
	return list
}

func lastDeed(events []event.Event, kinds []event.Kind) *event.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if slices.Contains(kinds, events[i].Kind) {
			return &events[i]
		}
	}
	return nil
}

// deed is an event in a few words.
func deed(e *event.Event) string {
	where := e.Endpoint
	if where == "" {
		where = e.Upstream
	}
	text := e.Kind.Says()
	if e.Kind == event.AlertFiring || e.Kind == event.AlertOver {
		text += ": " + e.Cause
	}
	if where == "" {
		return text
	}
	return where + ": " + text
}

func (s *Server) monitor(upstreams []Upstream) station {
	st := station{Name: "monitor", State: works}
	all, up, arriving, away := 0, 0, 0, 0
	for i := range upstreams {
		for _, source := range upstreams[i].Sources {
			if source.Trouble != "none" {
				away++
			}
		}
		for j := range upstreams[i].Endpoints {
			e := &upstreams[i].Endpoints[j]
			all++
			if e.has(Arriving) {
				arriving++
			} else if !e.has(ProbeFailed) && !e.Unreachable {
				up++
			}
			if p := e.Probe; p != nil && (st.At == nil || p.At.After(*st.At)) {
				at := p.At
				st.At, st.Did = &at, fmt.Sprintf("probed %s: %s in %.0f ms", e.Name, p.Result, 1e3*p.TookSeconds)
			}
		}
	}
	st.Now = fmt.Sprintf("%d of %s can be reached", up, count(all, "endpoint"))
	if arriving > 0 {
		st.Now += fmt.Sprintf(", %d still have to come", arriving)
	}
	if away > 0 {
		st.Now += fmt.Sprintf("; %s of them cannot be believed just now", count(away, "source"))
	}
	return st
}

func (s *Server) scale(upstreams []Upstream) station {
	st := station{Name: "scale", State: idle, Now: "the fleet suffices"}
	spilled, standby := 0, 0
	for i := range upstreams {
		if upstreams[i].Spilled {
			spilled++
		}
		for j := range upstreams[i].Endpoints {
			if upstreams[i].Endpoints[j].Standby {
				standby++
			}
		}
	}
	switch {
	case spilled > 0:
		st.State, st.Now = acts, count(spilled, "upstream")+" also uses its next tier"
	case standby > 0:
		st.Now = count(standby, "endpoint") + " stands by"
	}
	if s.autoscale != nil {
		st.scaling(s.autoscale.Scales())
	}
	return st
}

// scaling tells of the upstream where most is under way.
func (st *station) scaling(all []Scale) {
	if len(all) == 0 {
		return
	}
	busiest := &all[0]
	moves := func(u *Scale) int { return max(u.Wanted-u.Current, u.Current-u.Wanted) + u.Coming + u.Draining }
	for i := range all {
		if moves(&all[i]) > moves(busiest) {
			busiest = &all[i]
		}
	}
	u := busiest
	if st.State == idle {
		st.State = works
	}
	st.Now = fmt.Sprintf("%s: %s of %d to %d", u.Upstream, count(u.Current, "server"), u.Min, u.Max)
	switch {
	case u.Paused != "":
		st.Now += ", paused"
	case u.Coming+u.Draining > 0:
		st.State = acts
		st.Now += fmt.Sprintf(", %d start, %d drain", u.Coming, u.Draining)
	case u.Wanted != u.Current:
		st.Now += fmt.Sprintf(", %d wanted", u.Wanted)
	}
}

func (s *Server) recovery(upstreams []Upstream) station {
	st := station{Name: "recover", State: idle, Now: "nothing to bring back"}
	out, back := 0, 0
	for i := range upstreams {
		for j := range upstreams[i].Endpoints {
			switch e := &upstreams[i].Endpoints[j]; {
			case e.has(ProbeFailed) || e.has(Ejected) || e.Unreachable:
				out++
				st.tellLatest(e)
			case e.Comeback == "on_trial" || e.Comeback == "ramping":
				back++
			}
		}
	}
	switch {
	case out > 0:
		st.State, st.Now = acts, "works around "+count(out, "endpoint")
	case back > 0:
		st.State, st.Now = acts, "brings back "+count(back, "endpoint")
	}
	return st
}

// tellLatest tells of an endpoint that is out, if nothing later is told.
func (st *station) tellLatest(e *Endpoint) {
	for i := range e.Conditions {
		c := &e.Conditions[i]
		if (c.Name == ProbeFailed || c.Name == Ejected) && !e.Eligible && (st.At == nil || c.Since.After(*st.At)) {
			st.At, st.Did = &c.Since, e.Name+" gets no requests: others get them"
		}
	}
}

func (s *Server) optimise(upstreams []Upstream) station {
	st := station{Name: "optimise", State: works}
	learned, all := 0, 0
	for i := range upstreams {
		for j := range upstreams[i].Endpoints {
			all++
			if upstreams[i].Endpoints[j].CapacityAuto {
				learned++
			}
		}
	}
	switch len(upstreams) {
	case 0:
		st.Now = "no upstream"
	case 1:
		st.Now = "shares by " + upstreams[0].Policy
	default:
		st.Now = fmt.Sprintf("shares in %d upstreams", len(upstreams))
	}
	if learned > 0 {
		st.Now += fmt.Sprintf(", learns the capacity of %d of %s", learned, count(all, "endpoint"))
	}
	return st
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
