// The first step of a reload: all that can fail, and no effect yet.

package app

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/cost"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/resource"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/admission"
	"github.com/steelyard-proxy/steelyard/proxy/route"
)

// generation is a configuration made ready: all that can fail has been tried, without any
// effect that others could see. Adopting it cannot fail.
type generation struct {
	rules  *proxy.Generation // its upstreams are filled in by adopt
	routes []string          // the upstream of each rule
	plans  []*plan

	resources resource.Options
	webhooks  []wantedWebhook
	notify    []wantedNotify
}

// plan is what the configuration asks of one upstream.
type plan struct {
	config    configs.Upstream
	options   balancer.Options
	wantsWork bool     // the work of its requests must be known
	learner   *learner // nil: nobody wants predictions
	endpoints []wanted
	discovery *finding // nil: endpoints are all
	recovery  wantedRecovery
	acts      wantedActuator
	firstByte time.Duration // how soon its answers shall begin; 0: nobody has said
}

// prepare reads and checks all that cfg asks for, and reports everything that fails. It
// changes nothing: no series, no file, nothing that runs.
func (f *fleet) prepare(cfg *configs.Config) (*generation, error) {
	memory, bodies := MemoryShares(&cfg.Limits, f.memory)
	g := &generation{rules: &proxy.Generation{
		BodyBytes:      int64(cfg.Limits.BodyBytes),
		ReplayBytes:    int64(cfg.Limits.ReplayBytes),
		BodyMemory:     bodies,
		Lead:           proxy.Lead,
		UpgradeIdle:    cfg.Timeouts.UpgradeIdle,
		ClientRequests: int64(cfg.Clients.MaxRequests),
		ClientWaiting:  int64(cfg.Clients.MaxWaiting),
		ClientBody:     int64(cfg.Clients.MaxBodyMemory),
		Trust:          cfg.Forwarded.Trust,
		Usage:          f.analysed,
		UserHeader:     []byte(strings.ToLower(cfg.Usage.Header)),
	}}
	g.resources = resource.Options{Interval: cfg.Resources.Interval, Timeout: cfg.Resources.Timeout}
	for _, c := range cfg.Upstreams {
		p, err := f.prepareUpstream(c)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
		}
		p.firstByte = firstByteObjective(cfg, c.Name)
		g.plans = append(g.plans, p)
	}
	g.prepareRoutes(cfg.Routes, admission.Limits{Requests: int64(cfg.Limits.Requests), Memory: memory})
	return g, nil
}

// prepareRoutes makes the table of routes, and says what the requests of each may take.
func (g *generation) prepareRoutes(routes []configs.Route, limits admission.Limits) {
	rules, levels := make([]route.Rule, 0, len(routes)), make([]uint8, 0, len(routes))
	for _, r := range routes {
		rules = append(rules, route.Rule{Path: r.Path, Host: r.Host})
		levels = append(levels, uint8(r.Priority))
		g.routes = append(g.routes, r.Upstream)
	}
	g.rules.Routes = route.NewTable(rules)
	for classes, i := limits.Classes(levels), 0; i < len(levels); i++ {
		g.rules.Priority = append(g.rules.Priority, proxy.Priority{Level: levels[i], Class: classes[levels[i]]})
	}
}

// MemoryShares returns how many bytes the process may use, 0 for any number, and how many of
// these held bodies may take, which is no more than half. Available is what the container or
// the machine leaves it; 0: not known.
func MemoryShares(l *configs.Limits, available int64) (whole, bodies int64) {
	whole, bodies = int64(l.Memory), int64(l.BodyMemory)
	if whole == 0 {
		whole = available
	}
	if whole > 0 {
		bodies = min(bodies, whole/2)
	}
	return whole, bodies
}

func (f *fleet) prepareUpstream(c configs.Upstream) (p *plan, err error) {
	p = &plan{config: c}
	if p.options, err = poolOptions(c, c.CapacityScale); err != nil {
		return nil, err
	}
	if p.recovery, err = prepareRecovery(c.Recovery); err != nil {
		return nil, fmt.Errorf("recovery: %w", err)
	}
	if p.acts, err = prepareActuator(c.Scale); err != nil {
		return nil, fmt.Errorf("scale.actuator: %w", err)
	}
	for _, e := range c.Endpoints {
		w, err := want(c, e)
		if err != nil {
			return nil, fmt.Errorf("endpoint %s: %w", e.Name, err)
		}
		p.endpoints = append(p.endpoints, w)
	}
	if p.discovery, err = f.prepareFinding(c.Discovery); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	p.options.MayBeEmpty = mayBeEmpty(c)
	if err := checkWanted(p.endpoints, p.options.MayBeEmpty); err != nil {
		return nil, err
	}
	if p.wantsWork = f.logged || measured(c) || c.Scale != nil || p.options.Queue.Order.BySize(); p.wantsWork {
		p.learner, err = f.prepareLearner(c)
	}
	return p, err
}

// poolOptions are the pool's options for an upstream. scale is how many requests/s one unit of
// capacity sustains, 0 while not known.
func poolOptions(c configs.Upstream, scale float64) (o balancer.Options, err error) {
	o.Queue = balancer.QueueOptions{MaxRequests: c.Queue.MaxRequests, MaxWait: c.Queue.MaxWait, TakeAtOnce: !c.Queue.HoldBack, ReadAhead: c.Queue.ReadAhead}
	o.SlowStart, o.TierSpillRatio = c.SlowStart, c.TierSpillRatio
	o.MaxEjectedRatio, o.PanicRatio = c.Outlier.MaxEjectedRatio, c.Outlier.PanicRatio
	if o.Queue.Order, err = balancer.ParseOrder(c.Queue.Order); err != nil {
		return o, err
	}
	if c.Policy == optimalSplit {
		o.Policy = policy.OptimalSplit(policy.OptimalSplitOptions{Scale: scale, Now: sinceStart})
		return o, nil
	}
	if c.Policy == leastCost {
		o.Policy = leastCostOf(c, c.Gateways)
		return o, nil
	}
	o.Policy, err = policy.Lookup(c.Policy)
	return o, err
}

// leastCostOf is the policy least_cost of an upstream to whose endpoints so many gateways send.
func leastCostOf(c configs.Upstream, gateways int) balancer.Builder {
	tuning := cost.Tuned
	if c.TimeScale != 0 {
		tuning = tuning.Sped(c.TimeScale)
	}
	tuning.Gateways = gateways
	return policy.LeastCost(policy.LeastCostOptions{Tuning: tuning})
}

// want reads all that is needed to reach an endpoint.
func want(c configs.Upstream, e configs.Endpoint) (w wanted, err error) {
	w.identity = identity{name: e.Name, url: e.URL}
	w.exporters = e.Resources
	w.settings = settings{capacity: e.Capacity, slots: e.Slots, prefixCache: e.PrefixCache, tier: e.Tier, connect: c.Timeouts.Connect, connections: c.Connections}
	if e.TLS != nil {
		w.identity.tls = *e.TLS
	}
	files, err := readTLSFiles(e.TLS)
	if err != nil {
		return w, err
	}
	w.identity.files = files.sum()
	if w.address, err = url.Parse(e.URL); err != nil {
		return w, fmt.Errorf("parse url: %w", err)
	}
	w.tls, err = clientTLS(w.address, e.TLS, files)
	return w, err
}

// mayBeEmpty says whether an upstream may have no endpoint for a while.
func mayBeEmpty(c configs.Upstream) bool { return c.Discovery != nil || c.Scale != nil }

// checkWanted refuses an empty list where none may be, which is more often a broken source than a wish, and a
// repeated name.
func checkWanted(list []wanted, mayBeEmpty bool) error {
	if len(list) == 0 && !mayBeEmpty {
		return balancer.ErrNoEndpoints
	}
	names := make(map[string]bool, len(list))
	var problems []error
	for i := range list {
		name := list[i].name
		if names[name] {
			problems = append(problems, fmt.Errorf("two endpoints are named %q: names are unique in an upstream", name))
		}
		names[name] = true
	}
	return errors.Join(problems...)
}
