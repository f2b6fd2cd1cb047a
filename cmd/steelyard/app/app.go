// The running gateway: built from a configuration, served, drained.

package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/history"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// Options are what the configuration does not say.
type Options struct {
	Log       *zap.Logger       // nil: no log
	AccessLog *zap.Logger       // nil: Log; one that blocks for ever keeps Run from ending
	Metrics   *metrics.Registry // nil: one of its own
	Given     []Given           // sockets that others have opened for us; those that no address names are closed
	Kept      []Kept            // servers that the process before this one has started; what nobody wants ends
	Shared    bool              // a process that is being replaced still writes to the request log
	Replay    advice.Replay     // serves recorded requests once more; nil: nothing that needs it is recommended
	// ConfigText is the configuration as it stands in its file, for diffs; nil: there is no file.
	ConfigText func() (name string, text []byte, err error)
	Memory     int64 // bytes that the process may use where limits.memory is 0; 0: any number
}

// App is one running gateway.
type App struct {
	log      *zap.Logger
	metrics  *metrics.Registry
	events   *event.Log
	handler  *proxy.Handler
	access   *proxy.AccessLog // nil: off
	requests *requestlog.Log  // nil: off
	analysis *analysis        // nil: nobody wants to know
	front    *front.Server
	fleet    *fleet
	clients  []listener

	certificates certificates
	webhooks     *webhooks
	alerts       *alerts
	advising     *advising
	notify       *notifier
	shared       *sharing

	admin        net.Listener // nil: none
	adminAddress string       // as configured
	scaler       *listener    // nil: KEDA is not served

	onReload func() (admin.Reloaded, error) // nil: nothing can be reloaded; written by OnReload

	adminHosts []string // the host names by which operators reach it
	tokenFile  string   // that they show what is in; "": none
	token      atomic.Pointer[token]
	history    *history.History
	remembered []history.Finished // memory of remember

	stopping atomic.Bool // written by Run when ctx ends

	begin       func(context.Context) error // called before anything is served; nil: nothing; written by OnBegin
	whenServing func()                      // nil: nothing; written by OnServing
	replaced    chan struct{}               // closed by HandOver

	mu         sync.Mutex      // one reload at a time
	config     *configs.Config // in force; written by New and Reload under mu
	lastReload atomic.Pointer[admin.Reload]
}

// listener is one address and the protocol spoken there.
type listener struct {
	net.Listener
	address string      // as configured
	tls     *tls.Config // nil: plain
}

// New builds every room and binds every address, so that a taken port is an error
// here. Nothing is served before Run.
func New(cfg *configs.Config, o Options) (*App, error) {
	a := &App{log: o.Log, metrics: o.Metrics, config: cfg, replaced: make(chan struct{})}
	if a.log == nil {
		a.log = zap.NewNop()
	}
	if a.metrics == nil {
		a.metrics = metrics.New(metrics.Build{})
	}
	a.history = history.New(time.Now())
	a.events = event.NewLog(newEventLines(a.log).told)
	a.fleet = newFleet(a.log, a.metrics, a.events)
	a.fleet.memory = o.Memory
	a.fleet.processes.lent = readKept(o.Kept)
	a.certificates = certificates{events: a.events, endpoints: a.fleet.certificates}
	a.fleet.sender = newSender(gatewayName(cfg))
	a.webhooks = newWebhooks(a.events, a.fleet.sender)
	if err := a.openToken(cfg.Admin.TokenFile); err != nil {
		return nil, err
	}
	a.advising = newAdvising(a, o.Replay, o.ConfigText)
	recorders, err := a.openLogs(cfg, o)
	if err != nil {
		return nil, err
	}
	recorders = a.openAnalysis(cfg, recorders)
	a.handler = proxy.NewHandler(a.log, a.metrics, recorders...)
	if a.shared, err = newSharing(a, cfg); err != nil {
		return nil, err
	}
	a.fleet.mayScale = a.shared.lease(leaseScale)
	generation, err := a.prepare(cfg)
	if err != nil {
		return nil, err
	}
	a.webhooks.adopt(generation.webhooks)
	a.fleet.adopt(generation)
	a.handler.Use(generation.rules)
	if a.alerts, err = newAlerts(a, cfg); err != nil {
		return nil, err
	}
	a.fleet.restorePauses(a.alerts.store)
	a.notify = newNotifier(a)
	a.notify.adopt(generation.notify)
	if a.front, err = front.New(frontOptions(cfg, a.handler, a.log, a.metrics)); err != nil {
		return nil, fmt.Errorf("watch clients: %w", err)
	}
	sockets := sockets{given: o.Given, log: a.log}
	if err := a.listen(cfg, &sockets); err != nil {
		a.closeListeners()
		return nil, err
	}
	sockets.closeRest()
	a.observe()
	a.reloaded(nil)
	return a, nil
}

// prepare makes a generation from cfg and adds what lives as long as the process.
func (a *App) prepare(cfg *configs.Config) (*generation, error) {
	hooks, err := prepareWebhooks(cfg.Webhooks)
	if err != nil {
		return nil, err
	}
	g, err := a.fleet.prepare(cfg)
	if err != nil {
		return nil, err
	}
	g.webhooks = hooks
	if g.notify, err = prepareNotify(cfg.Notify); err != nil {
		return nil, err
	}
	return g, nil
}

// openLogs begins the logs of requests that are asked for.
func (a *App) openLogs(cfg *configs.Config, o Options) (recorders []proxy.Recorder, err error) {
	if a.fleet.logged = cfg.Log.Requests != ""; a.fleet.logged {
		a.requests, err = requestlog.Open(requestlog.Options{Path: cfg.Log.Requests, Log: a.log, Dropped: a.metrics.RequestRowDropped, Shared: o.Shared})
		if err != nil {
			return nil, err
		}
		recorders = append(recorders, proxy.RequestLog{Log: a.requests})
	}
	if cfg.Log.Access {
		access := o.AccessLog
		if access == nil {
			access = a.log
		}
		a.access = proxy.NewAccessLog(access.Named("access"), a.metrics)
		recorders = append(recorders, a.access) // last: by its line a request has ended
	}
	return recorders, nil
}

func frontOptions(cfg *configs.Config, h *proxy.Handler, log *zap.Logger, m *metrics.Registry) front.Options {
	return front.Options{
		Handler:     h.Serve,
		HeaderBytes: int(cfg.Limits.HeaderBytes),
		Header:      cfg.Timeouts.Header,
		Body:        cfg.Timeouts.Body,
		IdleClient:  cfg.Timeouts.IdleClient,
		ClientStall: cfg.Timeouts.ClientStall,
		Descriptors: clientsAtOnce(descriptorLimit(), cfg),
		Connections: cfg.Limits.Connections,
		SendRate:    int64(cfg.Clients.MinSendRate),
		ReadRate:    int64(cfg.Clients.MinReadRate),
		SendLag:     front.SendLag,
		TakeLag:     front.TakeLag,
		OfClient:    cfg.Clients.MaxConnections,
		WaitHalf:    cfg.HalfClose == "wait",
		Log:         log,
		Metrics:     m,
	}
}

func (a *App) listen(cfg *configs.Config, sockets *sockets) error {
	for _, l := range cfg.Listen {
		var config *tls.Config
		if l.TLS != nil {
			var err error
			if config, err = front.ServerTLS(l.TLS.CertFile, l.TLS.KeyFile, a.log, a.metrics.CertificateExpires); err != nil {
				return fmt.Errorf("listen on %s: %w", l.Address, err)
			}
			a.certificates.listeners = append(a.certificates.listeners, listenerCertificate{l.TLS.CertFile, config})
		}
		ln, err := sockets.listen(l.Address, l.Mode, l.Owner, l.Group)
		if err != nil {
			return &ListenError{Address: l.Address, Err: err}
		}
		a.clients = append(a.clients, listener{ln, l.Address, config})
	}
	if cfg.Admin.Address != "" {
		ln, err := sockets.listen(cfg.Admin.Address, cfg.Admin.Mode, cfg.Admin.Owner, cfg.Admin.Group)
		if err != nil {
			return &ListenError{Address: cfg.Admin.Address, Admin: true, Err: err}
		}
		a.admin, a.adminAddress, a.adminHosts = ln, cfg.Admin.Address, adminHosts(cfg.Admin)
	}
	return a.listenForKEDA(&cfg.Scaler, sockets)
}

// Addrs are the addresses clients are served on, in configured order.
func (a *App) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(a.clients))
	for i, l := range a.clients {
		addrs[i] = l.Addr()
	}
	return addrs
}

// AdminAddr is the address of the admin listener, or nil.
func (a *App) AdminAddr() net.Addr {
	if a.admin == nil {
		return nil
	}
	return a.admin.Addr()
}

// OnReload names what the admin listener calls when it is asked to reload. Call it before Run.
func (a *App) OnReload(f func() (admin.Reloaded, error)) { a.onReload = f }

// Metrics is the registry that holds all counts.
func (a *App) Metrics() *metrics.Registry { return a.metrics }

// Snapshots are the states of all pools at this moment, in configured order.
func (a *App) Snapshots() []*balancer.Snapshot { return a.fleet.snapshots() }

// Run serves until ctx ends, then drains: /readyz turns 503, after shutdown_delay
// the listeners close, exchanges get timeouts.shutdown to finish, and those that
// are left are cut. It returns nil after a shutdown, even if some were cut.
func (a *App) Run(ctx context.Context) error {
	background, stop := context.WithCancel(context.Background())
	g := newGroup(background)
	defer g.wait()
	defer stop()
	if a.access != nil {
		g.start("write the access log", a.access.Run)
	}
	if a.requests != nil {
		g.start("write the request log", a.requests.Run)
	}
	a.webhooks.start(g)
	a.analysis.start(g)
	g.start("measure endpoints", a.fleet.measure)
	g.start("measure memory", func(ctx context.Context) error { return a.handler.Guard.Run(ctx, a.handler.MemoryInUse) })
	g.start("tell of overload", (&overload{guard: &a.handler.Guard, events: a.events}).run)
	g.start("remember the last hour", func(ctx context.Context) error { return a.history.Run(ctx, a.fleet.states) })
	g.start("watch clients", a.front.Run)
	g.start("watch certificates", a.certificates.run)
	g.start("recommend", a.advising.run)
	a.fleet.start(ctx, g)
	if a.begin != nil {
		if err := a.begin(ctx); err != nil {
			a.closeListeners()
			return err
		}
	}
	endAdmin := func() {}
	if a.admin != nil {
		endAdmin = g.startUntil("serve the admin listener", func(ctx context.Context) error { return a.adminServer().Run(ctx, a.admin) })
	}
	if a.scaler != nil {
		serve, endScaler := a.kedaScaler(), endAdmin
		end := g.startUntil("serve KEDA", func(ctx context.Context) error { return serve.Run(ctx, a.scaler, a.scaler.tls) })
		endAdmin = func() {
			end()
			endScaler()
		}
		a.log.Info("KEDA is served", zap.Stringer("address", a.scaler.Addr()), zap.Bool("tls", a.scaler.tls != nil))
	}
	for _, l := range a.clients {
		g.start("serve "+l.Addr().String(), func(context.Context) error { return a.front.Serve(l.Listener, l.tls) })
		a.log.Info("listening", zap.Stringer("address", l.Addr()), zap.Bool("tls", l.tls != nil))
	}
	if a.admin != nil {
		a.log.Info("admin listening", zap.Stringer("address", a.admin.Addr()))
	}
	a.serving()
	a.alerts.start(g)
	a.notify.start(g)
	a.shared.start(g)
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-g.failed:
	case <-a.replaced:
		a.retire(ctx, endAdmin)
		return nil
	}
	a.drain()
	a.fleet.closeActuators()
	return failure
}

// drain ends the serving; Run waits for it.
func (a *App) drain() {
	a.stopping.Store(true)
	a.mu.Lock()
	t := a.config.Timeouts
	a.mu.Unlock()
	a.log.Info("shutting down", zap.Duration("delay", t.ShutdownDelay), zap.Duration("limit", t.Shutdown))
	if t.ShutdownDelay > 0 {
		time.Sleep(t.ShutdownDelay)
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.Shutdown)
	defer cancel()
	if err := a.front.Shutdown(ctx); err != nil {
		a.log.Warn("cut what had not finished within timeouts.shutdown")
	}
}
