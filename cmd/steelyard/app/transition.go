// What a pool does of itself, and what is done to it, as events.

package app

import (
	"sync"
	"sync/atomic"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/health/outlier"
	"github.com/steelyard-proxy/steelyard/health/probe"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// transitions publishes what changes in one upstream's pool.
type transitions struct {
	upstream string
	pool     *balancer.Pool
	events   *event.Log

	probers atomic.Pointer[[]*probe.Prober] // of the endpoints; nil before the first; written by upstream.apply

	judged sync.Map // by endpoint: the outlier.Decision by which it was last ejected or restored; written by member.Judged

	mu       sync.Mutex // guards what follows
	empty    bool       // no endpoint is eligible
	had      bool       // there was an endpoint at some time
	fallback string     // the upstream that gets its requests then; "": none
}

// told is the pool's Notify: the one place where a transition becomes an event, with a line of
// the log and a count.
func (t *transitions) told(tr balancer.Transition) {
	if e := eventOf(tr); e.Kind != 0 {
		e.Upstream = t.upstream
		if d, known := t.judged.Load(tr.Endpoint); known && tr.Condition == balancer.Ejected {
			explain(&e, d.(*outlier.Decision))
			if tr.On && t.eligible(tr.Endpoint) {
				e.Action = "none: it gets requests all the same, since too few others would be left"
			}
		}
		t.events.Publish(e)
	}
	t.watchEligible()
	panicOver := tr.Panic == balancer.IgnoresOutages || tr.Panic == balancer.IgnoresEjections
	somebodyIsBack := tr.Condition&(balancer.Unreachable|balancer.ProbeFailed|balancer.Ejected) != 0
	if !tr.On && (panicOver || somebodyIsBack && t.pool.Snapshot().Short) {
		t.hasten()
	}
}

// hasten has those that fail their probes probed at once: somebody is back where too few could be
// used, and most likely others are too. Whoever is back first must not carry the load of all until
// their turn comes.
func (t *transitions) hasten() {
	if probers := t.probers.Load(); probers != nil {
		for _, p := range *probers {
			p.Hasten()
		}
	}
}

// eligible says whether an endpoint gets requests, whatever its conditions are.
func (t *transitions) eligible(endpoint string) bool {
	s := t.pool.Snapshot()
	for i := range s.Endpoints {
		if s.Endpoints[i].Endpoint.Name() == endpoint {
			return s.Endpoints[i].Eligible
		}
	}
	return false
}

// eventOf is the event for a transition; its Kind is 0 if nobody need hear of it.
func eventOf(t balancer.Transition) event.Event {
	began, over := kindsOf(t)
	if !t.On {
		return event.Event{Kind: over, Endpoint: t.Endpoint, Evidence: map[string]any{"lasted_seconds": t.After.Seconds()}}
	}
	e := event.Event{Kind: began, Endpoint: t.Endpoint, Cause: t.Reason}
	if t.Cooling > 0 {
		e.Evidence = map[string]any{"pause_seconds": t.Cooling.Seconds()}
	}
	switch t.Panic {
	case balancer.SpillsOver:
		e.Cause, e.Action = "too little of the first tier's capacity can be used", "endpoints of the next tiers get requests as well"
	case balancer.IgnoresOutages:
		e.Cause, e.Action = "no endpoint can be reached", "requests go to all of them as if nothing were known"
	case balancer.IgnoresEjections:
		e.Cause, e.Action = "too many endpoints are ejected", "ejected ones get requests all the same"
	}
	return e
}

// kindsOf is what happens when a transition begins, and when it is over.
func kindsOf(t balancer.Transition) (began, over event.Kind) {
	if t.Panic == balancer.SpillsOver {
		return event.SpilledOver, event.SpillOver
	}
	if t.Panic != 0 {
		return event.Panic, event.PanicOver
	}
	if t.Cooling > 0 {
		return event.CoolingOff, 0
	}
	switch t.Comeback {
	case balancer.OnTrial:
		return event.OnTrial, event.TrialPassed
	case balancer.Ramping:
		return event.Ramping, event.RampOver
	}
	switch t.Condition {
	case balancer.Unreachable:
		return event.Unreachable, event.Back
	case balancer.ProbeFailed:
		return event.ProbeFailed, event.ProbePassed
	case balancer.Draining:
		return event.Draining, event.Undrained
	case balancer.Departing:
		return event.Departing, event.DepartingOver
	case balancer.Arriving:
		return 0, event.Arrived
	case balancer.Ejected:
		return event.Ejected, event.Restored
	}
	return 0, 0
}

// fallsBackTo says where requests go while no endpoint is eligible.
func (t *transitions) fallsBackTo(upstream string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fallback = upstream
}

// watchEligible tells when no endpoint of the upstream is eligible any more, and when one is again.
func (t *transitions) watchEligible() {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.pool.Snapshot()
	t.had = t.had || len(s.Endpoints) > 0
	empty := t.had && !s.Holding
	reasons := map[string]any{}
	for i := range s.Endpoints {
		if s.Endpoints[i].Eligible {
			empty = false
			break
		}
		reasons[s.Endpoints[i].Endpoint.Name()] = s.Endpoints[i].Conditions.String()
	}
	if empty == t.empty {
		return
	}
	t.empty = empty
	e := event.Event{Kind: event.NoEndpointOver, Upstream: t.upstream}
	if empty {
		e.Kind, e.Cause, e.Action, e.Evidence = event.NoEndpoint, "every endpoint has a condition that keeps requests from it", "requests are answered 503", reasons
		if len(s.Endpoints) == 0 {
			e.Cause = "there is no endpoint any more"
		}
		if t.fallback != "" {
			e.Action = "requests go to upstream " + t.fallback
		}
	}
	t.events.Publish(e)
}
