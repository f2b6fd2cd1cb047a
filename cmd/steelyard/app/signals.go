// What engines say of themselves: who asks them, and what hears of it.

package app

import (
	"strconv"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/load"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// listen has the member's engine asked as the configuration says; begin starts that. The caller holds mu.
func (m *member) listen(c configs.Signals) {
	o := load.Options{
		Engine: c.Engine, Path: c.Path, Interval: c.Interval, Sink: hearing{m}, InFlight: m.inFlight,
	}
	if c.Port > 0 {
		o.Port = strconv.Itoa(c.Port)
	}
	switch l := m.listener.Load(); {
	case c.Engine == "off":
		m.listener.Store(nil)
		m.target.Hear(nil)
		m.endHearing()
	case l != nil:
		l.Configure(o)
	default:
		l = load.New(o, load.Target{
			Name: m.name, Address: m.want.address.Host, Where: m.where, Host: m.target.Host, TLS: m.want.tls,
		})
		m.listener.Store(l)
		m.target.Hear(l)
	}
}

// endHearing stops asking. The caller holds mu.
func (m *member) endHearing() {
	if m.hearing != nil {
		m.hearing()
		m.hearing = nil
	}
}

// inFlight is how many requests we have at the member's server.
func (m *member) inFlight() int64 {
	if l := m.load.Load(); l != nil {
		return l.InFlight()
	}
	return 0
}

// hearing hears what a member's engine says.
type hearing struct{ *member }

// Foreign implements load.Sink.
func (h hearing) Foreign(waiting, running float64) {
	if l := h.load.Load(); l != nil {
		l.SetForeign(waiting, running)
	}
}

// CacheTokens implements load.Sink.
func (h hearing) CacheTokens(n int64) {
	if l := h.load.Load(); l != nil {
		l.SetCacheTokens(n)
	}
}

// Restarted implements load.Sink.
func (h hearing) Restarted(why string) {
	if l := h.load.Load(); l != nil {
		l.Restarted()
	}
	h.tell(event.Restarted, why, "what is known of its cache is forgotten")
}

// Lost implements load.Sink.
func (h hearing) Lost(why string) {
	h.tell(event.SignalLost, why, "what it said before counts no more")
}

// Heard implements load.Sink.
func (h hearing) Heard(engine string) { h.tell(event.SignalBack, "engine "+engine, "") }

func (h hearing) tell(kind event.Kind, cause, action string) {
	h.transitions.events.Publish(event.Event{
		Kind: kind, Upstream: h.transitions.upstream, Endpoint: h.name, Cause: cause, Action: action,
	})
}

// signals is what a scrape shows of all engines that are asked.
func (f *fleet) signals() (list []metrics.SignalState) {
	for _, u := range f.all() {
		for _, m := range u.members {
			l := m.listener.Load()
			if l == nil {
				continue
			}
			r := l.Report()
			list = append(list, metrics.SignalState{
				Upstream: u.name, Endpoint: m.name, Age: r.Age, Stale: r.Stale, Restarts: r.Restarts,
				Running: float64(r.Running), Waiting: float64(r.Waiting),
				CacheUsedRatio: float64(r.CacheUsedRatio), CacheTokens: float64(r.CacheTokens),
				Foreign: r.ForeignWaiting + r.ForeignRunning,
			})
		}
	}
	return list
}

// showSignal is what the admin API shows of the member's engine; nil where it is not asked.
func (m *member) showSignal() *admin.Signal {
	l := m.listener.Load()
	if l == nil {
		return nil
	}
	r := l.Report()
	return &admin.Signal{
		Engine: r.Engine, AgeSeconds: r.Age.Seconds(), Stale: r.Stale, Failure: r.Failure,
		Running: said(r.Running), Waiting: said(r.Waiting),
		CacheUsedRatio: said(r.CacheUsedRatio), CacheTokens: said(r.CacheTokens),
		ForeignWaiting: r.ForeignWaiting, ForeignRunning: r.ForeignRunning, Restarts: r.Restarts,
	}
}

// said is a figure, or nil where it is not known.
func said(f load.Figure) *float64 {
	if !f.Known() {
		return nil
	}
	v := float64(f)
	return &v
}
