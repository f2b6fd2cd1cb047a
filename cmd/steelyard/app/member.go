// A member: one endpoint and all that belongs to it.

package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/load"
	"github.com/steelyard-proxy/steelyard/health/names"
	"github.com/steelyard-proxy/steelyard/health/outlier"
	"github.com/steelyard-proxy/steelyard/health/probe"
	"github.com/steelyard-proxy/steelyard/health/resource"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
)

// wanted is one endpoint as the configuration asks for it. Its files have been read.
type wanted struct {
	identity
	settings
	address   *url.URL
	tls       *tls.Config        // nil: plain
	exporters *configs.Exporters // of its machine; nil: the upstream's
}

// identity is what must stay the same for a member to stay. Another certificate or authority
// may mean another server, of which the results of earlier probes say nothing.
type identity struct {
	name, url string
	id        string // who it is beyond its address, where a source says so
	tls       configs.ClientTLS
	files     [sha256.Size]byte // of the contents of tls's files
}

// settings may change while the member stays.
type settings struct {
	capacity    configs.Capacity
	slots       configs.Slots
	prefixCache configs.PrefixCache
	tier        int
	connect     time.Duration
	connections configs.Connections
	source      string // who names it; "": the configuration
	departing   string // why it is about to go; "": it is not
}

// member is one endpoint of an upstream and all that belongs to it: the way for requests, its
// probe, measurements and instruments. It lives as long as configurations ask for its identity.
type member struct {
	name        string
	pool        *balancer.Pool
	instruments *metrics.Endpoint
	where       *names.Name // nil: its URL has an address
	prober      *probe.Prober
	log         *zap.Logger
	spare       func()                         // gives up descriptors
	conns       atomic.Pointer[transport.Pool] // of the target, for the prober; written by newTarget
	outlier     *outlier.Endpoint
	listener    atomic.Pointer[load.Listener]    // nil: its engine is not asked; written by listen
	node        atomic.Pointer[resource.Node]    // its machine; nil: nobody tells of it; written by observe
	load        atomic.Pointer[balancer.Load]    // of its server; nil before the pool knows it; written by apply
	transitions *transitions                     // of the upstream
	ejected     atomic.Pointer[outlier.Decision] // nil: it is not; written by Judged
	lastProbe   atomic.Pointer[admin.Probe]      // nil before the first; written by probed

	arriving atomic.Bool // it is new, and no probe has passed yet; written by newMember, follow and judge

	// The fleet's mu guards these.
	want     wanted
	server   string    // as the balancer knows it; "" before the pool knows the member
	asked    string    // why its server is about to be stopped; "": it is not
	leftAt   time.Time // when its source no longer named it; zero: it does
	target   *proxy.Target
	estimate *estimate.Endpoint // nil: nothing is measured
	rating   estimate.Value     // as the pool was last told
	naming   context.CancelFunc // of where; nil before start
	probing  context.CancelFunc // nil before start
	upkeep   context.CancelFunc // of target's connections; nil before start
	hearing  context.CancelFunc // of listener; nil before start
	machine  machine            // of node

	verdict  sync.Mutex // orders SetProbe, Judged and silence
	silenced bool       // guarded by verdict
}

// newMember makes what an endpoint needs; nothing runs before begin. The caller holds mu.
func (f *fleet) newMember(u *upstream, w wanted) *member {
	m := &member{name: w.name, pool: u.pool, instruments: f.metrics.Endpoint(u.name, w.name), log: f.log, want: w}
	m.arriving.Store(w.source != "")
	m.spare = f.spareDescriptors
	m.outlier, m.transitions = outlier.NewEndpoint(w.name, m), u.transitions
	m.where = names.New(names.Options{
		Address: w.address.Host, Upstream: u.name, Endpoint: w.name, Observe: m.lookedUp, Log: f.log,
	})
	m.target = m.newTarget()
	m.prober = probe.New(u.probing(m), probe.Target{
		Name: w.name, Network: "tcp", Address: w.address.Host, Where: m.where, Host: m.target.Host, TLS: w.tls, Place: u.places.Next(),
	})
	m.listen(u.config.Signals)
	m.observe(f.machines, wantMachine(u.config.Resources, w.exporters, w.address.Hostname()))
	return m
}

// newTarget makes the way for requests to the endpoint, by its present settings.
func (m *member) newTarget() *proxy.Target {
	w := &m.want
	conns := transport.NewPool(transport.Options{
		Network: "tcp", Address: w.address.Host, Where: m.where, TLS: w.tls, Connect: w.connect,
		MaxIdle: w.connections.MaxIdle, IdleTimeout: w.connections.IdleTimeout, MaxAge: w.connections.MaxAge,
		Metrics: m.instruments, Short: m.spare,
	})
	m.conns.Store(conns)
	t := &proxy.Target{Name: w.name, Host: hostField(w.address), Metrics: m.instruments, Conns: conns}
	if l := m.listener.Load(); l != nil {
		t.Hear(l)
	}
	return t
}

// change takes over other settings. If they concern connections there is a new target: call
// retire, which closes the old connections, once the pool knows the new one.
func (m *member) change(w wanted) (retire func()) {
	old := m.want
	m.want.settings = w.settings
	if old.connect == w.connect && old.connections == w.connections {
		return func() {}
	}
	retire = m.endUpkeep()
	m.target = m.newTarget()
	return retire
}

// begin starts what is not running yet.
func (m *member) begin(g *group) {
	m.beginNaming(g)
	if m.probing == nil {
		m.probing = g.startUntil("probe "+m.name, m.probe)
	}
	if l := m.listener.Load(); l != nil && m.hearing == nil {
		m.hearing = g.startUntil("hear the engine of "+m.name, l.Run)
	}
	if m.upkeep == nil {
		m.upkeep = g.startUntil("keep connections to "+m.name, m.target.Conns.Run)
	}
}

// probe probes the endpoint until ctx ends. One that is new gets no request before a probe has passed, so its first one does
// not wait for its place in the interval.
func (m *member) probe(ctx context.Context) error {
	if m.arriving.Load() && m.lastProbe.Load() == nil {
		m.prober.First(ctx)
	}
	return m.prober.Run(ctx)
}

// beginNaming starts to look the endpoint's name up.
func (m *member) beginNaming(g *group) {
	if m.where != nil && m.naming == nil {
		m.naming = g.startUntil("look up the name of "+m.name, m.where.Run)
	}
}

// silence keeps later verdicts on the member from the pool, where another endpoint may
// have its name from now on.
func (m *member) silence() {
	m.verdict.Lock()
	defer m.verdict.Unlock()
	m.silenced = true
}

// end stops what runs for the member. Requests under way finish; their connections are
// closed behind them.
func (m *member) end() {
	for _, cancel := range []context.CancelFunc{m.naming, m.probing} {
		if cancel != nil {
			cancel()
		}
	}
	m.endHearing()
	m.endObserving()
	m.endUpkeep()()
}

// endUpkeep returns a function that closes the connections of the target.
func (m *member) endUpkeep() func() {
	cancel := m.upkeep
	m.upkeep = nil
	if cancel == nil {
		return func() {}
	}
	return cancel
}
