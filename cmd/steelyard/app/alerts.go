// Alerts: what the configuration asks to be watched, as it runs.

package app

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// alerts holds rules against the instruments. It outlives reloads.
type alerts struct {
	engine  *alert.Engine
	store   *alert.Store
	actions *alert.Actions

	mu      sync.Mutex
	hearers []func(alert.Alert) // guarded by mu
	cancel  context.CancelFunc  // of the evaluation; nil before start; guarded by mu
}

// newAlerts reads what earlier processes have kept. Nothing is evaluated before start.
func newAlerts(a *App, cfg *configs.Config) (*alerts, error) {
	store, err := alert.Open(cfg.Alerts.StateFile)
	if err != nil {
		return nil, err
	}
	if damaged := store.Damaged(); damaged != nil {
		a.log.Warn("alerts begin anew", zap.Error(damaged))
	}
	x := &alerts{store: store, actions: alert.NewActions(&acting{fleet: a.fleet}, a.events)}
	x.engine = alert.New(alert.Options{
		Registry: a.metrics, Subjects: a.fleet.subjects, Store: store, Events: a.events,
		Complain: func(err error) { a.log.Warn("alerts", zap.Error(err)) },
	})
	x.engine.OnChange = x.told
	x.engine.OnStep = x.actions.Step
	x.adopt(cfg)
	return x, nil
}

// AlertPlan is what a configuration asks to be watched.
func AlertPlan(cfg *configs.Config) alert.Plan {
	p := alert.Plan{Interval: cfg.Alerts.Interval}
	if cfg.Alerts.Defaults {
		var waits []alert.Wait
		for _, u := range cfg.Upstreams {
			waits = append(waits, alert.Wait{Upstream: u.Name, Most: u.Queue.MaxWait})
		}
		p.Rules = alert.DefaultRules(waits)
		for _, s := range alert.DefaultSLOs() {
			if !slices.ContainsFunc(cfg.Alerts.SLO, func(own configs.Objective) bool { return own.Name == s.Name }) {
				p.SLOs = append(p.SLOs, s)
			}
		}
	}
	own := thresholdRules(cfg)
	for _, r := range cfg.Alerts.Rules {
		own = append(own, alertRule(&r))
	}
	p.Rules = alert.Override(p.Rules, own)
	for _, o := range cfg.Alerts.SLO {
		p.SLOs = append(p.SLOs, objective(&o))
	}
	return p
}

// thresholdRules are those of thresholds that shall alert, for each endpoint by itself. One of alerts.rules with the same name takes its place.
func thresholdRules(cfg *configs.Config) (rules []alert.Rule) {
	for _, u := range cfg.Upstreams {
		if u.Scale == nil {
			continue
		}
		for _, t := range u.Scale.Thresholds {
			if t.Do != "alert" {
				continue
			}
			rules = append(rules, alert.Rule{
				Name: configs.ThresholdAlert(u.Name, t.Metric), Severity: alert.Ticket, On: alert.OnEndpoint, Metric: "steelyard_endpoint_resource_ratio",
				Where: []alert.Match{{Label: "resource", Values: []string{t.Metric}}, {Label: "upstream", Values: []string{u.Name}}},
				Limit: t.Above, Clear: t.Clear, For: t.For,
				Summary: t.Metric + " of endpoint {endpoint} of upstream {upstream} is at {value}",
				Remedy:  "see what the machine does, or raise the limit: scale.thresholds of the upstream",
			})
		}
	}
	return rules
}

func alertRule(c *configs.AlertRule) alert.Rule {
	r := alert.Rule{
		Name: c.Name, Severity: c.Severity, Summary: c.Summary, Remedy: c.Remedy, Metric: c.Metric, Of: c.Of, Quantile: c.Quantile, Over: c.Over,
		For: c.For, KeepFiring: c.KeepFiring, MinEvents: float64(c.MinEvents), Drained: c.Drained,
	}
	var on, fn, noData bool
	r.On, on = alert.ParseOn(c.On)
	r.Fn, fn = alert.ParseFn(c.Fn)
	r.NoData, noData = alert.ParseNoData(c.NoData)
	for _, text := range c.Where {
		m, is := alert.ParseMatch(text)
		on = on && is
		r.Where = append(r.Where, m)
	}
	if !on || !fn || !noData {
		panic("BUG: a checked configuration was refused: rule " + c.Name)
	}
	switch {
	case c.Below != nil:
		r.Below, r.Limit = true, *c.Below
	case c.Above != nil:
		r.Limit = *c.Above
	}
	if r.Clear = r.Limit; c.Clear != nil {
		r.Clear = *c.Clear
	}
	return r
}

func objective(c *configs.Objective) alert.SLO {
	s := alert.SLO{Name: c.Name, Upstream: c.Upstream, Objective: c.Objective, Period: time.Duration(c.Period), MinBad: float64(c.MinEvents)}
	switch {
	case c.Good.FirstByte > 0:
		s.By = alert.ByFirstByte
	case c.Good.Response > 0:
		s.By = alert.ByResponse
	}
	s.Bound = cmp.Or(c.Good.FirstByte, c.Good.Response)
	return s
}

func alertActions(list []configs.AlertAction) (actions []alert.Action) {
	for _, c := range list {
		do, is := alert.ParseDo(c.Do)
		if !is {
			panic("BUG: a checked configuration was refused: action " + c.Name)
		}
		actions = append(actions, alert.Action{
			Name: c.Name, Alert: c.Alert, Do: do, DryRun: c.DryRun, Every: c.Every, Limit: c.Limit, Below: c.Priority, Most: c.Lasts, Step: c.By,
		})
	}
	return actions
}

// adopt puts a configuration's rules and actions in force.
func (x *alerts) adopt(cfg *configs.Config) {
	x.engine.Configure(AlertPlan(cfg))
	x.actions.Configure(alertActions(cfg.Alerts.Actions))
}

// hear has f told of each alert that fires, is over or begins to flap. Call it before start.
func (x *alerts) hear(f func(alert.Alert)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hearers = append(x.hearers, f)
}

func (x *alerts) told(a alert.Alert) {
	x.mu.Lock()
	hearers := x.hearers
	x.mu.Unlock()
	for _, f := range hearers {
		f(a)
	}
	x.actions.Hear(time.Now(), a)
}

// start begins the evaluation.
func (x *alerts) start(g *group) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cancel = g.startUntil("evaluate alerts", x.engine.Run)
}

// leave ends it: another process evaluates and tells.
func (x *alerts) leave() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.cancel != nil {
		x.cancel()
	}
}

// states are what a scrape shows.
func (x *alerts) states() (list []metrics.AlertState, work metrics.AlertWork) {
	for _, c := range x.engine.Counts() {
		list = append(list, metrics.AlertState{Name: c.Name, Severity: c.Severity, State: c.State.String(), Alerts: c.Alerts})
	}
	stats := x.engine.Stats()
	return list, metrics.AlertWork{Evaluations: stats.Steps, Took: stats.Took}
}

// shown are the alerts as the admin listener shows them.
func (x *alerts) shown(n *notifier) admin.Alerts {
	shown, list := admin.Alerts{Alerts: []admin.Alert{}, Receivers: []admin.Receiver{}}, x.engine.Alerts()
	for i := range list {
		shown.Alerts = append(shown.Alerts, adminAlert(&list[i]))
	}
	n.show(list, &shown)
	return shown
}

func adminAlert(a *alert.Alert) admin.Alert {
	s := admin.Alert{
		Name: a.Name, Severity: a.Severity, State: a.State.String(), Upstream: a.Upstream, Endpoint: a.Endpoint, Labels: a.Labels, Since: a.Since,
		Value: a.Value, Summary: a.Summary, Remedy: a.Remedy, Note: a.Note, Reason: a.Reason, Fingerprint: a.Fingerprint(), Flapping: a.Flapping,
		StartsAt: moment(a.StartsAt), EndsAt: moment(a.EndsAt),
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	return s
}

// subjects are what rules are evaluated for.
func (f *fleet) subjects() (list []alert.Subject) {
	for _, s := range f.snapshots() {
		for _, e := range s.Endpoints {
			list = append(list, alert.Subject{
				Upstream: s.Upstream, Endpoint: e.Endpoint.Name(), Drained: e.Conditions&(balancer.Draining|balancer.Departing|balancer.Arriving) != 0,
			})
		}
	}
	return list
}
