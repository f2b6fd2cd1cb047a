// The server of all client listeners: its options, counts and shutdown.

package front

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// protocol is the NextProto key under which fasthttp hands connections over.
const protocol = "http/1.1"

// usualHead is how many bytes of memory a head gets at first. Most fit; one with a long token
// or many cookies gets more, up to Options.HeaderBytes.
const usualHead = 8 << 10

// Options say how connections are served. All times may be 0 for "no limit".
type Options struct {
	Handler     func(*Conn)   // serves one request; must answer it or call Abort
	HeaderBytes int           // most bytes of a request's head
	Header      time.Duration // from a request's first byte to the end of its head
	Body        time.Duration // between two pieces of a body
	IdleClient  time.Duration // between two requests
	ClientStall time.Duration // between two pieces of an answer that the client takes
	Descriptors int           // connections that there are file descriptors for; more wait; 0: no limit
	Connections int           // most connections open at once; 0: no limit
	SendRate    int64         // bytes/s at which a body must come; 0: any
	ReadRate    int64         // bytes/s at which an answer must be taken; 0: any
	SendLag     time.Duration // how far a client may fall behind SendRate while a slot is kept for it
	TakeLag     time.Duration // the same of ReadRate
	OfClient    int           // most connections of one address; 0: no limit
	WaitHalf    bool          // a client that half-closes still waits for its answer
	Patience    time.Duration // how long Retire lets a connection wait for a request; 0: 10 s
	Log         *zap.Logger
	Metrics     *metrics.Registry
}

// Server serves any number of listeners. All methods are safe for concurrent use.
type Server struct {
	Options
	fast     *fasthttp.Server
	buffers  *wire.Buffers
	watch    *watch
	requests sync.Pool // of *Request
	stopping atomic.Bool
	retiring atomic.Bool  // another process takes the new connections; written by Retire
	serving  atomic.Int64 // listeners that are accepted from; written by Serve
	// open counts connections within the limit, refused those above it that
	// are being told so; written by accept and Conn.leave.
	open, refused atomic.Int64
	crowded       atomic.Bool  // clients wait to be accepted until others have gone; written by awaitRoom
	lingering     atomic.Int64 // connections that linger; written by Conn.linger
	room          room

	mu        sync.Mutex
	conns     map[*Conn]struct{}     // every open connection; written by track and leave
	listeners []net.Listener         // written by Serve
	clients   map[netip.Addr]*Client // those with a connection; written by track and forget
}

// New makes a server that listens nowhere yet.
func New(o Options) (*Server, error) {
	w, err := newWatch(!o.WaitHalf)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Options: o, buffers: wire.NewGrowing(min(usualHead, o.HeaderBytes), o.HeaderBytes), watch: w,
		conns: map[*Conn]struct{}{}, clients: map[netip.Addr]*Client{},
	}
	s.requests.New = func() any { return new(Request) }
	s.fast = &fasthttp.Server{
		Handler:     func(*fasthttp.RequestCtx) { panic("BUG: a connection bypassed front.Conn") },
		Concurrency: 1 << 30, // the limit is ours: see listener.Accept
		Logger:      fastLog{o.Log},
	}
	s.fast.NextProto(protocol, func(c net.Conn) error {
		c.(*Conn).serve()
		return nil
	})
	return s, nil
}

// fastLog is where fasthttp's own messages go.
type fastLog struct{ log *zap.Logger }

func (l fastLog) Printf(format string, args ...any) { l.log.Sugar().Warnf(format, args...) }

// Serve accepts from ln, over TLS if config is not nil, until Shutdown.
func (s *Server) Serve(ln net.Listener, config *tls.Config) error {
	s.mu.Lock()
	s.listeners = append(s.listeners, ln)
	stopping := s.stopping.Load()
	s.mu.Unlock()
	if stopping {
		return ln.Close()
	}
	s.serving.Add(1)
	defer s.serving.Add(-1)
	return s.fast.Serve(&listener{Listener: ln, server: s, tls: config})
}

// Run watches for clients that leave, until ctx ends.
func (s *Server) Run(ctx context.Context) error { return s.watch.run(ctx) }

// farewell is how long an exchange that is cut has to tell its client why, if the
// answer has not begun.
const farewell = 100 * time.Millisecond

// Shutdown closes the listeners and the idle connections and waits for the
// others to finish their exchange. When ctx ends first, the remaining ones are
// cut and ctx's error is returned once they have gone.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	done := make(chan error, 1)
	go func() { done <- s.fast.ShutdownWithContext(context.WithoutCancel(ctx)) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var cut time.Time // when the end of ctx was seen
	for {
		s.each(func(c *Conn) { c.closeIdle() })
		switch {
		case ctx.Err() == nil:
		case cut.IsZero():
			cut = time.Now()
			s.each((*Conn).Abandon)
		case time.Since(cut) > farewell:
			s.each((*Conn).Abandon) // those that have come since
			s.each((*Conn).Poke)
		}
		select {
		case <-done:
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// stop closes the listeners itself: fasthttp knows only those that already accept.
func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping.Store(true)
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
}

// States counts the open connections by state.
func (s *Server) States() (idle, active, tunnel int) {
	s.each(func(c *Conn) {
		switch c.state.Load() {
		case stateActive:
			active++
		case stateTunnel:
			tunnel++
		default:
			idle++
		}
	})
	return idle, active, tunnel
}

func (s *Server) each(visit func(*Conn)) {
	s.mu.Lock()
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		visit(c)
	}
}

// track adds c, and says whether its address may have another connection.
func (s *Server) track(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	return s.enter(c)
}

func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.depart(c)
}
