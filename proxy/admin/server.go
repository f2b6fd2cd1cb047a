// The HTTP server of the admin listener.

package admin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/history"
	"github.com/steelyard-proxy/steelyard/proxy/admin/page"
)

// Limits of the admin listener. Its clients are scrapers and people, whose
// requests are small and whose answers are ready at once.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second // a scrape of a large fleet over a slow line
	idleTimeout   = 2 * time.Minute  // longer than the common scrape intervals
	headerBytes   = 16 << 10
	stopTimeout   = 3 * time.Second // for answers under way when Run ends
)

// Options are what a server needs; Fleet, Ready and Metrics may not be nil.
type Options struct {
	Fleet   Fleet
	Ready   func() Readiness         // called from many goroutines at once
	Metrics http.Handler             // serves /metrics
	Events  *event.Log               // nil: none
	Alerts  func() Alerts            // called from many goroutines at once; nil: none are watched
	Reload  func() (Reloaded, error) // reads the configuration again; nil: there is none to read
	Advisor Advisor                  // nil: nothing is recommended
	Hosts   []string                 // host names of the listener, besides IP addresses and localhost
	Token   func() string            // who shows it is let in; nil or "": everybody is. Called for each request
	History *history.History         // the last hour; nil: none is kept
	Config  func() ([]byte, error)   // the configuration in force, without secrets; nil: none is shown
	Name    string                   // of this gateway
	Version string                   // of the program
	Log     *zap.Logger

	Silences  Silences         // nil: there are no alerts
	Usage     Usage            // nil: nothing is kept of use
	Anomalies Anomalies        // nil: nobody looks for faults
	Forecast  func() Forecasts // nil: nothing is foretold
	Gateways  func() Gateways  // that share the servers; nil: there is this one alone
	Pages     http.Handler     // takes what other gateways tell, which it knows by their signature; nil: nobody tells
	Autoscale Autoscale        // nil: no upstream is scaled
}

// Server is the admin listener's HTTP server.
type Server struct {
	fleet   Fleet
	ready   func() Readiness
	metrics http.Handler
	reload  func() (Reloaded, error)
	advisor Advisor // nil: nothing is recommended
	log     *zap.Logger
	alerts  func() Alerts // nil: none are watched
	handler http.Handler

	silences  Silences         // nil: there are no alerts
	usage     Usage            // nil: nothing is kept of use
	conns     conns            // of all listeners
	anomalies Anomalies        // nil: nobody looks for faults
	forecast  func() Forecasts // nil: nothing is foretold
	gateways  func() Gateways  // nil: there is this one alone
	autoscale Autoscale        // nil: no upstream is scaled

	name, version string
	startedAt     time.Time
	page          *page.Page
	pageToken     string // which only our page knows; see keepPagesOut
	access        access
	history       *history.History
	config        func() ([]byte, error)
	sections      *sections
	viewers       viewers

	events    *event.Log
	followers chan struct{} // holds one for each stream of events
	stopping  chan struct{} // closed by Run when ctx ends
}

// New returns a server that serves nothing until Run.
func New(o Options) *Server {
	s := &Server{fleet: o.Fleet, ready: o.Ready, metrics: o.Metrics, reload: o.Reload, advisor: o.Advisor, log: o.Log, events: o.Events, alerts: o.Alerts, silences: o.Silences, usage: o.Usage,
		followers: make(chan struct{}, maxFollowers), stopping: make(chan struct{})}
	s.name, s.version, s.startedAt = o.Name, o.Version, time.Now()
	s.page, s.pageToken = page.New(), newPageToken()
	s.access = access{token: o.Token, tries: newTries(), now: time.Now}
	s.history, s.config, s.sections = o.History, o.Config, newSections(sectionsOf(&o))
	s.anomalies, s.forecast, s.gateways = o.Anomalies, o.Forecast, o.Gateways
	s.autoscale = o.Autoscale
	s.viewers = viewers{slots: map[chan []byte]struct{}{}, take: s.snapshotText}
	if s.events == nil {
		s.events = event.NewLog(nil)
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	s.handler = withHeaders(s.takePages(o.Pages, s.keepPagesOut(newNames(o.Hosts), s.access.guard(s.conns.read(drainBytes, s.routeTable())))))
	return s
}

// Run serves connections from ln, and closes it, until ctx ends: then streams of
// events end, other answers under way get three seconds to finish, and Run returns nil. It returns an
// error only when the listener fails.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	log, err := zap.NewStdLogAt(s.log, zapcore.WarnLevel)
	if err != nil {
		return fmt.Errorf("serve admin listener: make its log: %w", err)
	}
	server := &http.Server{
		ConnState:         s.conns.state,
		ConnContext:       withSocket,
		Handler:           s.handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          log,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(s.conns.limit(ln)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve admin listener %s: %w", ln.Addr(), err)
	case <-ctx.Done():
		close(s.stopping)
	}

	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		server.Close()
	}
	<-failed
	return nil
}
