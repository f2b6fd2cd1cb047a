// An upstream as it runs, across configurations.

package app

import (
	"cmp"
	"context"
	"reflect"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/outlier"
	"github.com/steelyard-proxy/steelyard/health/probe"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/recovery"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/admission"
)

// upstream is one running upstream, kept for as long as configurations name it. The fleet's
// mu guards it.
type upstream struct {
	name    string
	pool    *balancer.Pool
	metrics *metrics.Upstream
	retries retries

	transitions *transitions

	config    configs.Upstream
	options   balancer.Options
	members   []*member // in configured order, then those found; a change makes a new list
	fixed     []wanted  // those that the configuration lists
	finders   []*finder // of those that it does not; a change makes a new list
	places    probe.Places
	wantsWork bool     // the work of its requests must be known
	learner   *learner // nil: nobody wants predictions

	recovery wantedRecovery
	recover  context.CancelFunc // of what recovery asks for; nil where nothing runs
	watch    *recovery.Watch    // what runs; nil likewise
	scaling  *scaling           // nil: there are as many servers as there are
	shedding *admission.Shedding

	judge   *outlier.Group
	judging context.CancelFunc // of judge; nil before start

	estimate *estimate.Upstream     // nil: nothing is measured
	scale    float64                // requests/s by one unit of capacity, where the policy wants to know
	heard    map[string][]worthFact // what other gateways have measured, by server
	gateways int                    // that share the servers, as the policy was told
}

func (f *fleet) newUpstream(name string) *upstream {
	u := &upstream{name: name, shedding: new(admission.Shedding), pool: balancer.NewPool(name, f.loads), metrics: f.metrics.Upstream(name), retries: newRetries(name, f.events)}
	u.transitions = &transitions{upstream: name, pool: u.pool, events: f.events}
	u.options.Notify = u.transitions.told
	u.judge = outlier.New(func() map[string]outlier.Reading { return readings(u.pool) })
	return u
}

// configure takes over all settings of an upstream except its endpoints, and how the present
// ones are probed. Call refresh to tell the pool.
func (u *upstream) configure(p *plan) {
	old := u.config
	u.config, u.wantsWork, u.learner = p.config, p.wantsWork, p.learner
	u.setRecovery(p.recovery)
	u.options.Queue, u.options.SlowStart = p.options.Queue, p.options.SlowStart
	u.transitions.fallsBackTo(p.config.Fallback)
	u.options.TierSpillRatio, u.options.MayBeEmpty = p.options.TierSpillRatio, p.options.MayBeEmpty
	u.options.MaxEjectedRatio, u.options.PanicRatio = p.options.MaxEjectedRatio, p.options.PanicRatio
	if u.options.Policy == nil || old.Policy != p.config.Policy || old.CapacityScale != p.config.CapacityScale ||
		old.Gateways != p.config.Gateways || old.TimeScale != p.config.TimeScale {
		u.options.Policy, u.scale, u.gateways = p.options.Policy, 0, p.config.Gateways
	}
	if !reflect.DeepEqual(old.Health, p.config.Health) {
		for _, m := range u.members {
			m.prober.Configure(u.probing(m))
		}
	}
	if old.Signals != p.config.Signals {
		for _, m := range u.members {
			m.listen(p.config.Signals)
		}
	}
}

// rules are the upstream's settings for requests that begin from now on.
func (u *upstream) rules() *proxy.Upstream {
	c := &u.config
	r := &proxy.Upstream{
		Name: c.Name, Pool: u.pool, PassHost: c.Host != "endpoint",
		FirstByte: c.Timeouts.FirstByte, Idle: c.Timeouts.Idle, Total: c.Timeouts.Total,
		Affinity: proxy.NewAffinity(c.Affinity.Header, c.Affinity.Body), WantsWork: u.wantsWork, QueueTime: c.Queue.Header, Keepalive: c.Queue.Keepalive, PickHeader: c.PickHeader,
		Retry: retryPolicy(&c.Retry), Budget: u.retries.budget, Suspects: u.retries.suspects,
		Hedge: u.retries.hedge(&c.Hedge), Poisoned: u.retries.poisoned, BudgetSpent: u.retries.spent, Resume: c.Resume,
		Metrics: u.metrics, Shedding: u.shedding,
	}
	if u.learner != nil {
		r.Predictor = u.learner.Predictor
	}
	return r
}

// refresh assesses the members again, and tells the pool of all changes.
func (u *upstream) refresh() {
	u.assess()
	u.apply()
}

// apply gives the pool the present endpoints and options.
func (u *upstream) apply() {
	endpoints := make([]balancer.EndpointOptions, len(u.members))
	judged, probers := make([]*outlier.Endpoint, len(u.members)), make([]*probe.Prober, len(u.members))
	for i, m := range u.members {
		m.target.Rating.Set(m.rating.Capacity, m.rating.AtOnce)
		m.target.Appoint(u.judges(m)...)
		judged[i], probers[i] = m.outlier, m.prober
		endpoints[i] = balancer.EndpointOptions{
			Name: m.name, URL: m.want.url, UID: m.want.id, Arriving: m.arriving.Load(), Departing: cmp.Or(m.asked, m.want.departing), Capacity: m.rating.Capacity, Slots: m.rating.Slots, Tier: m.want.tier, CacheTokens: cacheTokens(m.want.prefixCache), Via: m.target,
		}
	}
	u.transitions.probers.Store(&probers)
	if err := u.pool.Apply(u.options, endpoints); err != nil {
		panic("BUG: a checked configuration was refused: " + err.Error())
	}
	loads, servers := map[string]*balancer.Load{}, map[string]string{}
	for _, e := range u.pool.Snapshot().Endpoints {
		loads[e.Endpoint.Name()], servers[e.Endpoint.Name()] = e.Endpoint.Load(), e.Endpoint.Server()
	}
	for _, m := range u.members {
		m.load.Store(loads[m.name])
		m.server = servers[m.name]
	}
	u.transitions.watchEligible()
	u.judge.Configure(outlierOptions(u.config.Outlier), judged)
}

// cacheTokens is what the balancer is told of the size of an engine's cache.
func cacheTokens(c configs.PrefixCache) int64 {
	if c.Tokens == 0 && !c.Auto {
		return -1
	}
	return int64(c.Tokens)
}

// judges are those who hear of each attempt at a member.
func (u *upstream) judges(m *member) (all []proxy.Judge) {
	all = append(all, judging{m.outlier})
	if u.learner != nil {
		all = append(all, proxy.Learning{Predictor: u.learner.Predictor})
	}
	if u.estimate != nil {
		all = append(all, proxy.Measuring{Meter: &m.target.Meter})
	}
	return all
}
