// Judging endpoints by their real traffic: what is counted, and what comes of it.

package app

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/outlier"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// judging tells of each attempt at an endpoint.
type judging struct{ *outlier.Endpoint }

// Judge implements proxy.Judge.
func (j judging) Judge(a *proxy.Attempted) {
	told := outlier.Attempt{
		Ending: attemptEnding(a), Held: a.Connect + a.Service + a.Blocked, Took: a.Service, FirstByte: a.FirstByte, Size: a.Size,
	}
	if told.Ending == outlier.Served && a.Status >= 300 {
		told.Took = 0 // it did not do the work
	}
	j.Ended(told)
}

// attemptEnding is what an attempt says of its endpoint.
func attemptEnding(a *proxy.Attempted) outlier.Ending {
	switch a.Class {
	case balancer.Answered:
		return statusEnding(a.Status, a.PushBack > 0)
	case balancer.ConnectFailed:
		return outlier.ConnectFailed
	case balancer.Failed, balancer.Truncated:
		return outlier.Reset
	case balancer.TimedOut:
		if !a.Overran {
			return outlier.TimedOut
		}
	case balancer.ClientGone:
		if a.FirstByte == 0 && a.Service > 0 {
			return outlier.Abandoned
		}
		if of := statusEnding(a.Status, a.PushBack > 0); of != outlier.Served { // what it had begun to say was clear
			return of
		}
	}
	return outlier.Nothing
}

// statusEnding is what an endpoint's answer says of it; pushedBack says that it asked to be left alone for a while. That it does not implement a method,
// or a version of HTTP, says more of the request.
func statusEnding(status int, pushedBack bool) outlier.Ending {
	switch {
	case pushedBack, status == http.StatusTooManyRequests:
		return outlier.PushedBack
	case status == http.StatusNotImplemented, status == http.StatusHTTPVersionNotSupported:
		return outlier.Nothing
	case status >= 500:
		return outlier.ServerError
	}
	return outlier.Served
}

// outlierOptions are those of the detectors.
func outlierOptions(c configs.Outlier) outlier.Options {
	o := outlier.Options{
		Consecutive: c.Consecutive, FailureRatio: c.FailureRatio, Window: c.Window, MinRequests: c.MinRequests,
		SlowRatio: c.SlowRatio, Stall: c.Stall,
		EjectTime: c.EjectTime, MaxEjectTime: c.MaxEjectTime,
	}
	for _, d := range outlier.Detectors() {
		o.Enforced[d] = c.Enforce && !slices.Contains(c.Shadow, d.String())
	}
	return o
}

// readings says what each endpoint of a pool is doing.
func readings(pool *balancer.Pool) map[string]outlier.Reading {
	s := pool.Snapshot()
	all := make(map[string]outlier.Reading, len(s.Endpoints))
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		target := e.Endpoint.Via().(*proxy.Target)
		all[e.Endpoint.Name()] = outlier.Reading{
			Received: target.Metrics.Received(), Waiting: target.Waiting.Load(),
			Capacity: e.Base, Slots: e.Slots, Eligible: e.Eligible,
		}
	}
	return all
}

// Judged implements outlier.Sink. It is the only writer of the condition Ejected.
func (m *member) Judged(d outlier.Decision) {
	m.verdict.Lock()
	defer m.verdict.Unlock()
	if m.silenced {
		return
	}
	var err error
	switch d.Action {
	case outlier.Eject:
		m.ejected.Store(&d)
		m.transitions.judged.Store(m.name, &d)
		m.instruments.Ejected(metrics.EjectionEnforced, metrics.Detector(d.Detector))
		_, err = m.pool.SetCondition(m.name, balancer.Ejected, true, d.Reason)
	case outlier.Restore:
		m.transitions.judged.Store(m.name, &d)
		_, err = m.pool.SetCondition(m.name, balancer.Ejected, false, "")
		m.ejected.Store(nil)
	case outlier.WouldEject:
		m.instruments.Ejected(metrics.EjectionShadow, metrics.Detector(d.Detector))
		e := event.Event{Kind: event.WouldEject, Upstream: m.transitions.upstream, Endpoint: m.name}
		explain(&e, &d)
		m.transitions.events.Publish(e)
	case outlier.Warn:
		m.instruments.Slowing()
		m.transitions.events.Publish(event.Event{
			Kind: event.Slowing, Upstream: m.transitions.upstream, Endpoint: m.name, Cause: d.Reason, Evidence: d.Evidence,
		})
	}
	if err != nil {
		m.log.Debug("judgement of an endpoint that is gone", zap.Error(err))
	}
}

// showEjection says when the member's ejection ends, in the condition that shows it.
func (m *member) showEjection(conditions []admin.Condition) {
	d := m.ejected.Load()
	for i := range conditions {
		if c := &conditions[i]; d != nil && c.Name == admin.Ejected {
			c.Until = &d.Until
		}
	}
}

// explain puts into an event why it was decided, by what figures, and what is done.
func explain(e *event.Event, d *outlier.Decision) {
	e.Cause = d.Reason
	if d.Action == outlier.Restore {
		return
	}
	e.Evidence = map[string]any{"detector": d.Detector.String(), "ejections_lately": d.Repeats, "until": d.Until.UTC().Format(time.RFC3339Nano)}
	maps.Copy(e.Evidence, d.Evidence)
	e.Action = "no requests for " + d.For.Round(time.Millisecond).String()
	if d.Action == outlier.WouldEject {
		e.Action = "none: the detector is in shadow; else " + e.Action
	}
}

// pardon ends an ejection that the endpoint which had the name and URL before has left behind.
func (m *member) pardon() {
	if _, err := m.pool.SetCondition(m.name, balancer.Ejected, false, ""); err != nil {
		m.log.Debug("judgement of an endpoint that is gone", zap.Error(err))
	}
}
