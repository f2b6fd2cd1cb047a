// The fleet as metrics and the admin API show it.

package app

import (
	"net"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// observe connects the gauges to their sources.
func (a *App) observe() {
	a.metrics.Observe(func() []metrics.EndpointState {
		var states []metrics.EndpointState
		for _, u := range a.fleet.Upstreams() {
			for _, e := range u.Endpoints {
				states = append(states, endpointState(u.Name, e))
			}
		}
		return states
	})
	a.metrics.ObserveQueues(func() []metrics.QueueState {
		var states []metrics.QueueState
		for _, u := range a.fleet.Upstreams() {
			eligible := slices.ContainsFunc(u.Endpoints, func(e admin.Endpoint) bool { return e.Eligible })
			states = append(states, metrics.QueueState{Upstream: u.Name, Waiting: u.Queue.Waiting, Unavailable: !eligible && !u.Holding})
		}
		return states
	})
	a.metrics.ObserveEvents(func() (counts []metrics.EventCount) {
		for _, k := range event.Kinds() {
			counts = append(counts, metrics.EventCount{Kind: k.String(), Count: a.events.Published(k)})
		}
		return counts
	})
	a.metrics.ObserveWebhooks(a.webhooks.states)
	if a.analysis != nil {
		a.metrics.ObserveAnalysis(a.analysis.states)
	}
	a.metrics.ObserveAlerts(a.alerts.states)
	a.metrics.ObserveScales(a.fleet.scaleStates)
	a.metrics.ObserveNotify(a.notify.states)
	a.metrics.ObserveGateways(a.shared.states)
	a.metrics.ObserveSignals(a.fleet.signals)
	a.metrics.ObserveDiscovery(a.fleet.discoveries)
	a.metrics.ObserveResources(a.fleet.resources)
	a.metrics.ObservePredictors(a.fleet.predictions)
	a.metrics.ObserveUsage(func() metrics.Usage {
		return metrics.Usage{Requests: a.handler.Guard.Requests(), Memory: a.handler.Guard.Memory()}
	})
	a.metrics.ObserveDrift(func() int64 { return a.fleet.loads.InFlight() - a.handler.Leases() })
	a.metrics.ObserveClients(func() metrics.ClientConnections {
		idle, active, tunnel := a.front.States()
		return metrics.ClientConnections{Idle: idle, Active: active, Tunnel: tunnel}
	})
}

func endpointState(upstream string, e admin.Endpoint) metrics.EndpointState {
	s := metrics.EndpointState{
		Upstream: upstream, Endpoint: e.Name, InFlight: e.InFlight,
		BaseCapacity: e.Capacity, EffectiveCapacity: e.EffectiveCapacity, Slots: e.Slots, ShareRatio: e.ShareRatio,
		OnTrial: e.Comeback == balancer.OnTrial.String(), Cooling: e.Cooling,
		Eligible: e.Eligible, Busy: e.Busy, Unreachable: e.Unreachable,
		IdleConnections: e.Connections.Idle, ActiveConnections: e.Connections.Active,
	}
	for _, c := range e.Conditions {
		switch c.Name {
		case admin.Draining:
			s.Draining = true
		case admin.Departing:
			s.Departing = true
		case admin.Arriving:
			s.Arriving = true
		case admin.ProbeFailed:
			s.ProbeFailed = true
		case admin.Ejected:
			s.Ejected = true
		}
	}
	return s
}

// configuredCapacities are the settings of endpoints, by name, with the capacities that the file or a source gives them.
func (f *fleet) configuredCapacities(u *upstream) map[string]settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	byName := make(map[string]settings, len(u.members))
	for _, m := range u.members {
		byName[m.name] = m.want.settings
	}
	return byName
}

func (a *App) adminServer() *admin.Server {
	o := admin.Options{
		Fleet: a.fleet, Ready: a.readiness, Metrics: a.metrics.Handler(), Events: a.events, Reload: a.onReload, Advisor: a.advising, Hosts: a.adminHosts, Log: a.log,
		Token: a.adminToken, History: a.history, Config: a.shownConfig, Name: a.fleet.sender.gateway, Version: a.metrics.Version(),
		Alerts: func() admin.Alerts { return a.alerts.shown(a.notify) }, Silences: silences{a.notify},
	}
	if a.analysis != nil && a.analysis.book != nil {
		o.Usage = a.analysis
	}
	if a.analysis != nil && a.analysis.anomalies != nil {
		o.Anomalies = a.analysis.anomalies
	}
	if a.analysis != nil && a.analysis.forecast != nil {
		o.Forecast = func() admin.Forecasts { return shownForecast(a.analysis.forecast) }
	}
	if o.Gateways = a.shared.shown(); a.shared.peers != nil {
		o.Pages = a.shared.peers
	}
	o.Autoscale = a.fleet
	return admin.New(o)
}

// adminHosts are the host names by which operators reach the admin listener.
func adminHosts(c configs.Admin) []string {
	hosts := slices.Clone(c.Hosts)
	if host, _, err := net.SplitHostPort(c.Address); err == nil && host != "" {
		hosts = append(hosts, host)
	}
	return hosts
}

func (a *App) readiness() admin.Readiness {
	r := admin.Readiness{LastReload: a.LastReload()}
	if a.stopping.Load() {
		r.NotReady = append(r.NotReady, "shutting down")
	}
	return r
}

func (f *fleet) snapshots() []*balancer.Snapshot {
	var s []*balancer.Snapshot
	for _, u := range f.all() {
		s = append(s, u.pool.Snapshot())
	}
	return s
}

// Upstreams implements admin.Fleet.
func (f *fleet) Upstreams() []admin.Upstream {
	var list []admin.Upstream
	all := f.all()
	serving := inService(all)
	for _, u := range all {
		s := u.pool.Snapshot()
		members := map[string]*member{}
		for _, m := range u.members {
			members[m.name] = m
		}
		q := u.pool.Queue()
		shown := admin.Upstream{
			Name: s.Upstream, Policy: s.Policy, Note: s.Note(), Panicking: s.Panicking, Spilled: s.Spilled, Holding: s.Holding, Fallback: u.config.Fallback,
			Queue:   admin.Queue{Waiting: q.Waiting, OldestSeconds: q.Oldest.Seconds(), DrainRate: q.DrainRate},
			Sources: f.sources(&u),
		}
		byCost, capacities := u.pool.Wants().Prompts, f.configuredCapacities(&u)
		for _, e := range s.Endpoints {
			endpoint := adminEndpoint(&e, members[e.Endpoint.Name()], serving)
			configured := capacities[endpoint.Name]
			endpoint.ConfiguredCapacity, endpoint.CapacityAuto = configured.capacity.Value, configured.capacity.Auto
			endpoint.Source = configured.source
			if byCost {
				endpoint.Cost = costOf(e.Endpoint.Load())
			}
			shown.Endpoints = append(shown.Endpoints, endpoint)
		}
		list = append(list, shown)
	}
	return list
}

// adminEndpoint is the state of an endpoint; m is nil where it goes just now.
func adminEndpoint(e *balancer.EndpointState, m *member, serving map[*balancer.Load]bool) admin.Endpoint {
	shown := admin.Endpoint{
		Name: e.Endpoint.Name(), URL: e.Endpoint.URL(), ID: e.Endpoint.UID(), Capacity: e.Base, EffectiveCapacity: e.Capacity,
		Tier: e.Tier, Standby: e.Standby, Comeback: e.Comeback.String(), RampRatio: e.Ramp, TrialRequests: e.Trial,
		Slots: e.Slots, ShareRatio: e.Share, InFlight: e.Endpoint.Load().InFlight(), Eligible: e.Eligible,
		Unreachable: e.Endpoint.Unreachable(), Drained: drained(e, serving), Conditions: []admin.Condition{},
	}
	for _, r := range e.Reasons {
		shown.Conditions = append(shown.Conditions, admin.Condition{Name: conditionName(r.Condition), Reason: r.Text, Since: r.Since})
	}
	if m != nil {
		shown.Busy = m.busy()
		shown.Probe = m.lastProbe.Load()
		m.showEjection(shown.Conditions)
		shown.Signal = m.showSignal()
		shown.Resources = m.showResources()
	}
	shown.Connections.Idle, shown.Connections.Active = e.Endpoint.Via().(*proxy.Target).Conns.Connections()
	return shown
}

// costOf is what a policy that goes by cost knows of a server.
func costOf(l *balancer.Load) *admin.Cost {
	server := l.Server()
	server.Lock()
	defer server.Unlock()
	state, pace := server.State(), server.Pace()
	return &admin.Cost{
		Reading: state.Reading, ReadingTokens: state.Work, Writing: state.Writing, ContextTokens: state.Context, CachedBlocks: server.Remembered(),
		ReadRate: measuredFigure(pace.Rate), TokenSeconds: measuredFigure(pace.Step), ContextSlope: measuredFigure(pace.Slope),
	}
}

// measuredFigure is a figure, or nil where it was not measured yet.
func measuredFigure(v float64) *float64 {
	if v <= 0 {
		return nil
	}
	return &v
}

func conditionName(c balancer.Condition) admin.ConditionName {
	switch c {
	case balancer.Draining:
		return admin.Draining
	case balancer.Departing:
		return admin.Departing
	case balancer.Arriving:
		return admin.Arriving
	case balancer.ProbeFailed:
		return admin.ProbeFailed
	}
	return admin.Ejected
}
