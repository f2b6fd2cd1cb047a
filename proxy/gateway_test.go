package proxy_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/cost"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
	"github.com/steelyard-proxy/steelyard/proxy/route"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
)

// within is how long a condition may take to come true.
const within = time.Minute

// never is a time limit that does not strike in a test: whoever waits for it
// finds that the test has failed before.
const never = time.Hour

// soon is a time limit that must strike in a test.
const soon = 50 * time.Millisecond

// gateway is the data path without configuration: a front server, the handler,
// and one pool over endpoints that the test plays itself.
type gateway struct {
	address    string
	registry   *metrics.Registry
	handler    *proxy.Handler
	generation *proxy.Generation
	pool       *balancer.Pool
	policy     balancer.Builder
	options    []balancer.EndpointOptions // of the pool
	targets    []*proxy.Target
	front      *front.Server
	access     *proxy.AccessLog
	accessed   *observer.ObservedLogs // what the access log wrote
	logged     *observer.ObservedLogs // what the handler and the front logged
	tls        *tls.Config            // of the listener
	ln         net.Listener

	mu    sync.Mutex
	loads []*balancer.Load // of all endpoints there ever were, as far as noteLoads was told; guarded by mu
}

// settings are what tests vary.
type settings struct {
	upstream    proxy.Upstream
	connections transport.Options // of each endpoint
	policy      string            // capacity where there is none
	capacities  []float64         // of the endpoints; 100 where there is none
	slots       int               // of each endpoint; 0: no limit
	queue       balancer.QueueOptions
	notify      func(balancer.Transition)
	front       front.Options
	generation  proxy.Generation
	routes      []route.Rule // besides "/", each to the upstream of its number in extra
	extra       []*proxy.Upstream
	tls         *tls.Config                     // of the listener; nil: plain
	wrap        func(net.Listener) net.Listener // nil: as it is
	core        func(zapcore.Core) zapcore.Core // wraps the core that is logged to; nil: as it is
	access      zapcore.Core                    // of the access log; nil: its lines are observed
	accessHeld  bool                            // the access log is not run
	noAccess    bool                            // there is none
	requests    *requestlog.Log                 // nil: there is none
	also        proxy.Recorder                  // nil: nobody
	measured    bool                            // what the endpoints can do is measured
	quiet       bool                            // no access log and no log at all, for measurements
}

func defaults() settings {
	return settings{
		upstream:    proxy.Upstream{Name: "chat", PassHost: true, Idle: never, Retry: retry.Default(), Budget: new(retry.Budget), Suspects: new(retry.Suspects)},
		connections: transport.Options{Network: "tcp", Connect: never, MaxIdle: 64, IdleTimeout: never},
		front: front.Options{
			HeaderBytes: 8 << 10, Header: never, Body: never, IdleClient: never, ClientStall: never, Connections: 1000,
		},
		generation: proxy.Generation{BodyBytes: 64 << 20, ReplayBytes: 4 << 20, BodyMemory: 1 << 30, UpgradeIdle: never},
	}
}

// serve starts a gateway over the endpoints at these addresses, named a, b, c …
// It ends with t, which fails if anything is then still held.
func serve(t testing.TB, s settings, endpoints ...string) *gateway {
	t.Helper()
	g := &gateway{registry: metrics.New(metrics.Build{Version: "test"}), tls: s.tls}
	log := g.logs(&s)
	g.pool = balancer.NewPool(s.upstream.Name, balancer.NewLoads())
	g.members(t, &s, endpoints)
	s.upstream.Pool, s.upstream.Metrics = g.pool, g.registry.Upstream(s.upstream.Name)
	s.generation.Routes = route.NewTable(append([]route.Rule{{Path: "/"}}, s.routes...))
	s.generation.Upstreams = append([]*proxy.Upstream{&s.upstream}, s.extra...)
	if s.generation.Priority == nil {
		s.generation.Priority = make([]proxy.Priority, len(s.generation.Upstreams))
	}
	for _, u := range s.extra {
		u.Metrics = g.registry.Upstream(u.Name)
	}
	g.generation = &s.generation
	g.handler = proxy.NewHandler(log, g.registry, g.recorders(&s)...)
	g.handler.Use(g.generation)
	if s.front.Handler == nil {
		s.front.Handler = g.handler.Serve
	}
	s.front.Metrics, s.front.Log = g.registry, log
	var err error
	g.front, err = front.New(s.front)
	require.NoError(t, err)
	g.start(t, &s)
	t.Cleanup(func() { g.rests(t) })
	return g
}

// recorders are who is told of requests that have ended; the access log last, since tests wait
// for its lines.
func (g *gateway) recorders(s *settings) (all []proxy.Recorder) {
	if s.requests != nil {
		all = append(all, proxy.RequestLog{Log: s.requests})
	}
	if s.also != nil {
		all = append(all, s.also)
	}
	if g.access != nil {
		all = append(all, g.access)
	}
	return all
}

// logs makes the log, and the access log unless it is to be quiet.
func (g *gateway) logs(s *settings) *zap.Logger {
	if s.quiet {
		return zap.NewNop()
	}
	var core, access zapcore.Core
	core, g.logged = observer.New(zapcore.InfoLevel)
	access, g.accessed = observer.New(zapcore.InfoLevel)
	if s.access != nil {
		access = s.access
	}
	if s.core != nil {
		core = s.core(core)
	}
	if !s.noAccess {
		g.access = proxy.NewAccessLog(zap.New(access), g.registry)
	}
	return zap.New(core)
}

// members fills the pool.
func (g *gateway) members(t testing.TB, s *settings, endpoints []string) {
	for i, address := range endpoints {
		o := s.connections
		o.Address = address
		name := string(rune('a' + i))
		o.Metrics = g.registry.Endpoint(s.upstream.Name, name)
		conns := transport.NewPool(o)
		t.Cleanup(conns.Close)
		target := &proxy.Target{Name: name, Host: address, Conns: conns, Metrics: o.Metrics}
		capacity := 100.0
		if i < len(s.capacities) {
			capacity = s.capacities[i]
		}
		target.Rating.Set(capacity, s.slots)
		target.Appoint(judges(s, target)...)
		g.options = append(g.options, balancer.EndpointOptions{Name: name, URL: "http://" + address, Capacity: capacity, Slots: s.slots, Via: target})
		g.targets = append(g.targets, target)
	}
	var err error
	g.policy, err = policy.Lookup(cmp.Or(s.policy, "capacity"))
	require.NoError(t, err)
	require.NoError(t, g.pool.Apply(balancer.Options{Policy: g.policy, Queue: s.queue, Notify: s.notify}, g.options))
	g.noteLoads()
}

// judges are those of an endpoint.
func judges(s *settings, t *proxy.Target) (all []proxy.Judge) {
	if s.upstream.Predictor != nil {
		all = append(all, proxy.Learning{Predictor: s.upstream.Predictor})
	}
	if s.measured {
		all = append(all, proxy.Measuring{Meter: &t.Meter})
	}
	return all
}

// noteLoads is called after each change of the members: a server that went, and comes back,
// may have another Load.
func (g *gateway) noteLoads() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.pool.Snapshot().Endpoints {
		if l := e.Endpoint.Load(); !slices.Contains(g.loads, l) {
			g.loads = append(g.loads, l)
		}
	}
}

// allLoads are those that noteLoads has seen.
func (g *gateway) allLoads() []*balancer.Load {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.loads)
}

func (g *gateway) start(t testing.TB, s *settings) {
	var err error
	g.ln, err = front.Listen("127.0.0.1:0")
	require.NoError(t, err)
	g.address = g.ln.Addr().String()
	ln := g.ln
	if s.wrap != nil {
		ln = s.wrap(ln)
	}
	ctx, stop := context.WithCancel(context.Background())
	var ended []chan struct{}
	run := func(f func()) {
		done := make(chan struct{})
		ended = append(ended, done)
		go func() { f(); close(done) }()
	}
	run(func() { _ = g.front.Run(ctx) })
	run(func() { _ = g.front.Serve(ln, s.tls) })
	if g.access != nil && !s.accessHeld {
		run(func() { _ = g.access.Run(ctx) })
	}
	t.Cleanup(func() {
		limit, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = g.front.Shutdown(limit)
		stop()
		for _, done := range ended {
			<-done
		}
	})
}

// inFlight is what the balancer believes to be under way at all endpoints.
func (g *gateway) inFlight() (n int64) {
	for _, l := range g.allLoads() {
		n += l.InFlight()
	}
	return n
}

// stateOf is what a server has to read and to write, for policies that want to know.
func stateOf(l *balancer.Load) cost.State {
	server := l.Server()
	server.Lock()
	defer server.Unlock()
	return server.State()
}

// activeUpstream is how many connections to endpoints are in use.
func (g *gateway) activeUpstream() (n int) {
	for _, target := range g.targets {
		_, active := target.Conns.Connections()
		n += active
	}
	return n
}

// rests waits until nothing is in flight, held or open.
func (g *gateway) rests(t testing.TB) {
	t.Helper()
	eventually(t, "no request to be in flight", func() bool { return g.inFlight() == 0 })
	eventually(t, "no server to have anything to read or to write", func() bool {
		return !slices.ContainsFunc(g.allLoads(), func(l *balancer.Load) bool { return stateOf(l) != cost.State{} })
	})
	eventually(t, "no lease to be held", func() bool { return g.handler.Leases() == 0 })
	eventually(t, "no connection to an endpoint to be in use", func() bool { return g.activeUpstream() == 0 })
	eventually(t, "no request to be under way", func() bool { return g.handler.Guard.Requests() == 0 })
	eventually(t, "no body to be held", func() bool { return g.handler.HeldBytes() == 0 })
	eventually(t, "no client connection to be open", func() bool {
		idle, active, tunnel := g.front.States()
		return idle+active+tunnel == 0
	})
}

// eventually waits for a condition, which may take its time: these tests say
// what happens, not how fast.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
	}
}

// passes lets time go by where a time limit must be seen not to strike.
func passes(d time.Duration) { <-time.After(d) }
