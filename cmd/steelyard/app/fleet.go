// The fleet: what outlives a configuration, and the step to the next one.

package app

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/health/resource"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
	"github.com/steelyard-proxy/steelyard/proxy"
)

// fleet holds what lives longer than a configuration: upstreams by name, each with its pool
// and its members.
type fleet struct {
	log     *zap.Logger
	metrics *metrics.Registry
	events  *event.Log
	loads   *balancer.Loads
	logged  bool  // there is a request log; written before the first prepare
	memory  int64 // of Options; written before the first prepare
	sender  sender

	processes processes       // that run servers here
	drains    drains          // what was said of them, here and at other gateways
	gateways  func() int      // how many share the servers, by what is heard of them; nil: nobody is to be heard; written before the first prepare
	machines  *resource.Watch // what they say of themselves

	analysed bool                                 // somebody looks at requests that have ended; written before the first prepare
	waiting  atomic.Pointer[map[string]int]       // requests that wait in processes which this one has replaced, by upstream; nil: none
	foretold func(upstream string) forecast.Range // see there; nil: nothing is; written before start
	mayScale func() bool                          // this gateway is the one that starts and stops servers; nil: it is; written before start

	// mu guards the fields below and those of upstreams and members. Each scrape takes it, so it
	// is never held while a file is read, or during anything else that may take long.
	mu        sync.Mutex
	upstreams []*upstream              // in configured order
	group     *group                   // nil before start
	serving   context.Context          // ends when Run is to; nil before start
	leaving   map[string]chan struct{} // by file: closed when its earlier learner has saved to it
	sheds     map[string]shed          // by action and alert: requests that are turned away now
	paused    pauses
}

func newFleet(log *zap.Logger, m *metrics.Registry, events *event.Log) *fleet {
	return &fleet{log: log, metrics: m, events: events, machines: resource.New(resource.Options{}), loads: balancer.NewLoads(), leaving: map[string]chan struct{}{}, sheds: map[string]shed{}, drains: drains{known: map[spot]drainFact{}}}
}

// adopt puts a prepared generation in force: membership first, then what runs beside it.
// It fills in g.rules, which the caller publishes.
func (f *fleet) adopt(g *generation) {
	f.machines.Configure(g.resources)
	for _, p := range g.plans {
		if p.learner != nil {
			p.learner.settle()
		}
	}
	running, differences, reread := f.replace(g)
	if !running { // at a start all is new
		return
	}
	for i, d := range differences {
		if d.any() {
			f.log.Info("endpoints have changed", zap.String("upstream", g.plans[i].config.Name),
				zap.Int("kept", d.kept), zap.Int("changed", d.changed), zap.Int("new", d.added), zap.Int("gone", d.gone))
		}
	}
	for _, file := range reread {
		f.log.Info("what was learned of requests is read again: its file has changed", zap.String("file", file))
	}
}

// replace is the part of adopt under the lock. It reports whether the fleet runs already, how
// the endpoints of each upstream have changed, and the files that others had written to and
// that were read again.
func (f *fleet) replace(g *generation) (running bool, differences []difference, reread []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, learners := f.upstreams, f.learners()
	f.upstreams = nil
	rules := map[string]*proxy.Upstream{}
	for _, p := range g.plans {
		u := find(before, p.config.Name)
		if u == nil {
			u = f.newUpstream(p.config.Name)
		}
		f.upstreams = append(f.upstreams, u)
		differences = append(differences, f.adoptPlan(u, p))
		rules[u.name] = u.rules()
	}
	for _, p := range g.plans {
		rules[p.config.Name].Fallback = rules[p.config.Fallback] // nil where there is none
	}
	for _, name := range g.routes {
		g.rules.Upstreams = append(g.rules.Upstreams, rules[name])
	}
	for _, u := range before {
		if find(f.upstreams, u.name) == nil {
			f.remove(u)
		}
	}
	return f.group != nil, differences, f.retireLearners(learners)
}

// adoptPlan gives an upstream its new settings and endpoints, with one snapshot for both.
// The caller holds mu.
func (f *fleet) adoptPlan(u *upstream, p *plan) difference {
	u.configure(p)
	u.fixed = p.endpoints
	f.findBy(u, p.discovery)
	f.setScale(u, p)
	d, err := f.reconcile(u, u.merged(time.Now()))
	switch {
	case err != nil:
		panic("BUG: a checked configuration was refused: " + err.Error())
	case !d.any():
		u.refresh()
		f.begin(u)
	}
	return d
}

// remove ends an upstream that the configuration no longer names. Requests under way there
// finish. The caller holds mu.
func (f *fleet) remove(u *upstream) {
	for _, fd := range u.finders {
		fd.end()
	}
	for _, m := range u.members {
		m.silence()
		m.end()
	}
	if u.judging != nil {
		u.judging()
	}
	u.setRecovery(wantedRecovery{})
	f.endScale(u)
	u.pool.Retire()
	f.metrics.ForgetUpstream(u.name)
}

// start waits for the first lists of those who find endpoints, begins the look-ups of names, the upkeep of connections and,
// after a first round of probes that ctx may cut short, the probes.
func (f *fleet) start(ctx context.Context, g *group) {
	f.findFirst(ctx, g)
	f.mu.Lock()
	for _, u := range f.upstreams {
		for _, m := range u.members {
			m.beginNaming(g)
		}
	}
	f.mu.Unlock()
	var round sync.WaitGroup
	for _, u := range f.all() {
		for _, m := range u.members {
			round.Go(func() { m.prober.First(ctx) })
		}
	}
	round.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.group, f.serving = g, ctx
	g.start("hear of machines", f.machines.Run)
	for _, u := range f.upstreams {
		f.begin(u)
	}
}

// begin starts whatever an upstream needs that does not run yet. The caller holds mu.
func (f *fleet) begin(u *upstream) {
	if f.group == nil {
		return
	}
	for _, fd := range u.finders {
		fd.begin(f.group)
	}
	for _, m := range u.members {
		m.begin(f.group)
	}
	if u.judging == nil {
		u.judging = f.group.startUntil("judge the endpoints of "+u.name, u.judge.Run)
	}
	f.beginRecovery(u)
	f.beginScale(u)
	if l := u.learner; l != nil && l.cancel == nil {
		l.cancel = f.group.startUntil("learn the work of "+u.name, l.run)
	}
}

// filesChanged says whether a file of an endpoint's TLS settings has other contents than
// before or cannot be read any more, or somebody else has written to a predict.file.
func (f *fleet) filesChanged() bool {
	for _, id := range f.identities() {
		if files, err := readTLSFiles(&id.tls); err != nil || files.sum() != id.files {
			return true
		}
	}
	return slices.ContainsFunc(f.all(), func(u upstream) bool {
		return u.learner != nil && u.learner.Changed() || u.recovery.filesChanged() ||
			u.scaling != nil && u.scaling.actsAs().filesChanged()
	})
}

// identities are those of all members.
func (f *fleet) identities() (ids []identity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		for _, m := range u.members {
			ids = append(ids, m.want.identity)
		}
		for _, fd := range u.finders {
			if c := fd.asks.config.TLS; c != nil {
				ids = append(ids, identity{tls: *c, files: fd.asks.files})
			}
		}
	}
	return ids
}

// find is the upstream of that name, or nil.
func find(upstreams []*upstream, name string) *upstream {
	for _, u := range upstreams {
		if u.name == name {
			return u
		}
	}
	return nil
}

// all returns copies of the upstreams as they are now. Of their members only fields that never
// change may be read.
func (f *fleet) all() []upstream {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]upstream, len(f.upstreams))
	for i, u := range f.upstreams {
		all[i] = *u
	}
	return all
}
