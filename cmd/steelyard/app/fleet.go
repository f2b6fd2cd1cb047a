package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/route"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
)

// fleet is what lives longer than a configuration: pools by upstream name and
// targets by endpoint.
type fleet struct {
	log     *zap.Logger
	metrics *metrics.Registry
	loads   *balancer.Loads
	logged  bool // there is a request log; written before the first prepare

	mu        sync.Mutex               // guards what follows
	upstreams []*upstream              // in configured order
	group     *group                   // nil before start
	stop      func()                   // ends what the current generation started
	leaving   map[string]chan struct{} // by file: closed when a learner that had it has saved to it
}

// upstream is one upstream as it runs.
type upstream struct {
	config  configs.Upstream
	pool    *balancer.Pool
	targets []*target // in configured order
	health  *health
	rules   *proxy.Upstream
	learner *learner // nil: nobody wants predictions

	options  balancer.Options
	estimate *estimate.Upstream // nil: nothing is measured
	worth    []estimate.Value   // of the targets: what the pool was told last
	scaled   bool               // it was measured by work in its own unit; else in tokens
	scale    float64            // requests/s by one unit of capacity, where the policy wants to know
}

// target is one endpoint as it is reached.
type target struct {
	config   configs.Endpoint
	settings targetSettings
	endpoint *balancer.Endpoint
	rules    *proxy.Target
	tls      *tls.Config        // nil: plain
	cancel   context.CancelFunc // ends the upkeep of its connections; nil before start
}

// targetSettings are what, besides its URL, decides how an endpoint is reached.
// A target whose settings change is replaced with its connections.
type targetSettings struct {
	tls         configs.ClientTLS
	connect     configs.UpstreamTimeouts
	connections configs.Connections
	files       [sha256.Size]byte // of what tls's files hold
}

// generation is a configuration made ready: adopting it can no longer fail.
type generation struct {
	rules     *proxy.Generation
	upstreams []*upstream
}

func newFleet(log *zap.Logger, m *metrics.Registry) *fleet {
	return &fleet{log: log, metrics: m, loads: balancer.NewLoads(), stop: func() {}, leaving: map[string]chan struct{}{}}
}

// prepare builds all that cfg asks for and reports every way that can fail,
// without changing anything that runs.
func (f *fleet) prepare(cfg *configs.Config) (*generation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := &generation{rules: &proxy.Generation{
		BodyBytes:   int64(cfg.Limits.BodyBytes),
		ReplayBytes: int64(cfg.Limits.ReplayBytes),
		BodyMemory:  int64(cfg.Limits.BodyMemory),
		UpgradeIdle: cfg.Timeouts.UpgradeIdle,
		Trust:       cfg.Forwarded.Trust,
	}}
	byName := map[string]*upstream{}
	for _, c := range cfg.Upstreams {
		u, err := f.prepareUpstream(c)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
		}
		g.upstreams = append(g.upstreams, u)
		byName[c.Name] = u
	}
	rules := make([]route.Rule, 0, len(cfg.Routes))
	for _, r := range cfg.Routes {
		rules = append(rules, route.Rule{Path: r.Path, Host: r.Host})
		g.rules.Upstreams = append(g.rules.Upstreams, byName[r.Upstream].rules)
	}
	g.rules.Routes = route.NewTable(rules)
	return g, nil
}

func (f *fleet) prepareUpstream(c configs.Upstream) (*upstream, error) {
	old := f.upstream(c.Name)
	u := &upstream{config: c}
	var err error
	if u.options, err = poolOptions(c, c.CapacityScale); err != nil {
		return nil, err
	}
	if u.pool = balancer.NewPool(c.Name, f.loads); old != nil {
		u.pool = old.pool
	}
	sized := f.logged || measured(c) || u.options.Queue.Order.BySize()
	u.learner = f.prepareLearner(c, sized)
	u.rules = &proxy.Upstream{
		Name: c.Name, Pool: u.pool, PassHost: c.Host != "endpoint",
		FirstByte: c.Timeouts.FirstByte, Idle: c.Timeouts.Idle, Total: c.Timeouts.Total,
		Sized: sized, Measured: measured(c), QueueTime: c.Queue.Header,
		Metrics: f.metrics.Upstream(c.Name),
	}
	if u.learner != nil {
		u.rules.Predictor = u.learner.Predictor
	}
	for _, e := range c.Endpoints {
		t, err := f.prepareTarget(c, e, old)
		if err != nil {
			return nil, fmt.Errorf("endpoint %s: %w", e.Name, err)
		}
		u.targets = append(u.targets, t)
	}
	return u, nil
}

// poolOptions is what the pool is told of its upstream. scale is how many requests/s
// one unit of capacity sustains, 0 while not known.
func poolOptions(c configs.Upstream, scale float64) (o balancer.Options, err error) {
	o.Queue = balancer.QueueOptions{MaxRequests: c.Queue.MaxRequests, MaxWait: c.Queue.MaxWait}
	if o.Queue.Order, err = balancer.ParseOrder(c.Queue.Order); err != nil {
		return o, err
	}
	if c.Policy == optimalSplit {
		o.Policy = policy.OptimalSplit(policy.OptimalSplitOptions{Scale: scale, Now: sinceStart})
		return o, nil
	}
	o.Policy, err = policy.Lookup(c.Policy)
	return o, err
}

// prepareTarget takes over a target that is reached as before, or makes one.
func (f *fleet) prepareTarget(c configs.Upstream, e configs.Endpoint, old *upstream) (*target, error) {
	settings := targetSettings{connect: configs.UpstreamTimeouts{Connect: c.Timeouts.Connect}, connections: c.Connections}
	files, err := readTLSFiles(e.TLS)
	if err != nil {
		return nil, err
	}
	if settings.files = files.sum(); e.TLS != nil {
		settings.tls = *e.TLS
	}
	if old != nil {
		for _, t := range old.targets {
			if t.config.Name == e.Name && t.config.URL == e.URL && t.settings == settings {
				kept := *t
				kept.config = e
				return &kept, nil
			}
		}
	}
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, fmt.Errorf("parse url: %w", err)
	}
	config, err := clientTLS(u, e.TLS, files)
	if err != nil {
		return nil, err
	}
	instruments := f.metrics.Endpoint(c.Name, e.Name)
	return &target{config: e, settings: settings, tls: config, rules: &proxy.Target{
		Name: e.Name, Host: hostField(u), Metrics: instruments,
		Conns: transport.NewPool(transport.Options{
			Network: "tcp", Address: u.Host, TLS: config, Connect: c.Timeouts.Connect,
			MaxIdle: c.Connections.MaxIdle, IdleTimeout: c.Connections.IdleTimeout, Metrics: instruments,
		}),
	}}, nil
}

// filesChanged says whether a file that an endpoint's TLS settings name holds
// something else than it did, or cannot be read any more, or somebody else has written to
// one that keeps what was learned.
func (f *fleet) filesChanged() bool {
	for _, u := range f.all() {
		for _, t := range u.targets {
			if files, err := readTLSFiles(t.config.TLS); err != nil || files.sum() != t.settings.files {
				return true
			}
		}
	}
	return f.learnersChanged()
}

// adopt puts a prepared generation in force: membership first, then upkeep and
// probes. The caller publishes g.rules.
func (f *fleet) adopt(g *generation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range g.upstreams {
		u.learning(f.upstream(u.config.Name))
		u.apply()
		for i, s := range u.pool.Snapshot().Endpoints {
			u.targets[i].endpoint = s.Endpoint
		}
	}
	for _, u := range g.upstreams {
		u.health = newHealth(f, u, f.upstream(u.config.Name))
	}
	old := f.upstreams
	f.upstreams = g.upstreams
	if f.group != nil {
		f.run()
	}
	f.retire(old)
}

// start begins the upkeep of connections and the probes, after one round of
// probes, which ctx may cut short.
func (f *fleet) start(ctx context.Context, g *group) {
	var round sync.WaitGroup
	for _, u := range f.all() {
		round.Go(func() { u.health.prober.FirstRound(ctx) })
	}
	round.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.group = g
	f.run()
}

// run starts what the current upstreams need and ends the probes of the ones
// before them. The caller holds mu.
func (f *fleet) run() {
	f.stop()
	ctx, stop := context.WithCancel(f.group.ctx)
	f.stop = stop
	for _, u := range f.upstreams {
		f.group.startWith(ctx, "probe "+u.config.Name, u.health.prober.Run)
		if u.learner != nil && u.learner.cancel == nil {
			learning, cancel := context.WithCancel(f.group.ctx)
			u.learner.cancel = cancel
			f.group.startWith(learning, "learn the work of "+u.config.Name, u.learner.run)
		}
		for _, t := range u.targets {
			if t.cancel == nil {
				upkeep, cancel := context.WithCancel(f.group.ctx)
				t.cancel = cancel
				f.group.startWith(upkeep, "keep connections to "+t.config.Name, t.rules.Conns.Run)
			}
		}
	}
}

// retire ends the learners and targets that no upstream uses any longer. Requests under way on
// them finish; their connections are closed behind them. The caller holds mu.
func (f *fleet) retire(old []*upstream) {
	f.retireLearners(old)
	inUse := map[*proxy.Target]bool{}
	for _, u := range f.upstreams {
		for _, t := range u.targets {
			inUse[t.rules] = true
		}
	}
	for _, u := range old {
		now := f.upstream(u.config.Name)
		for _, t := range u.targets {
			if !inUse[t.rules] && t.cancel != nil {
				t.cancel()
			}
			if now == nil || !now.has(t.config.Name) {
				f.metrics.Forget(u.config.Name, t.config.Name)
			}
		}
		if now == nil {
			u.pool.Retire()
			f.metrics.ForgetUpstream(u.config.Name)
		}
	}
}

func (u *upstream) has(name string) bool {
	return slices.ContainsFunc(u.targets, func(t *target) bool { return t.config.Name == name })
}

// upstream finds a running upstream by name, or nil. The caller holds mu.
func (f *fleet) upstream(name string) *upstream {
	for _, u := range f.upstreams {
		if u.config.Name == name {
			return u
		}
	}
	return nil
}

func (f *fleet) all() []*upstream {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.upstreams
}
