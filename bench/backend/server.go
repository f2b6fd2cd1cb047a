// A simulated server: its listener, its life and its recovery.

package backend

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

// idleTimeout is how long a connection may rest. It is that of uvicorn, which serves most engines:
// a proxy's pool must live with it.
const idleTimeout = 5 * time.Second

// errGone is the cause with which requests end when the server does.
var errGone = errors.New("simulated server went away")

// Server is one simulated inference server. Its methods may be called from any
// goroutine; Run may be called once.
type Server struct {
	options Options
	address string       // bound by New and bound again after Down
	mux     http.Handler // set by New
	work    *workload
	clock   *clock
	tally   tally
	words   []string          // what it says, a token each; set by New
	deltas  map[*api][][]byte // the same as choices of a stream, encoded; set by New
	answers atomic.Int64      // ids given to answers, written by their handlers
	seed    maphash.Seed      // of the numbers of prompts' blocks

	condition atomic.Pointer[condition] // swapped by SetFault, and by Run when it expires
	listener  net.Listener              // made by New, then Run's alone
}

// New binds the server's address, so that a taken port is an error here and a
// client that connects before Run waits instead of being refused.
func New(o Options) (*Server, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	rings, err := alarm.New()
	if err != nil {
		return nil, fmt.Errorf("simulated server %q: %w", o.Name, err)
	}
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		rings.Close()
		return nil, fmt.Errorf("simulated server %q: %w", o.Name, err)
	}
	s := &Server{
		options:  o,
		address:  listener.Addr().String(),
		work:     newWorkload(o),
		clock:    newClock(o.Engine, rings),
		words:    speech(o.Name),
		deltas:   map[*api][][]byte{},
		listener: listener,
		seed:     maphash.MakeSeed(),
	}
	for _, a := range []*api{chat, completion} {
		for _, word := range s.words {
			s.deltas[a] = append(s.deltas[a], encode(a.delta(word, "")))
		}
	}
	s.clock.change(s.clock.epoch, func(now float64) { s.clock.setSpeed(now, o.Speed, false) })
	s.condition.Store(&condition{kind: None, over: make(chan struct{})})
	s.mux = s.routes()
	return s, nil
}

// Name is the server's name as its options gave it.
func (s *Server) Name() string { return s.options.Name }

// Addr is the bound address, host:port. It stays the same over Down.
func (s *Server) Addr() string { return s.address }

// URL is the server's address as a base URL without a path.
func (s *Server) URL() string { return "http://" + s.address }

// Run serves until ctx ends, then breaks off what is open and returns when
// every connection is closed. It fails only where the listener does.
func (s *Server) Run(ctx context.Context) error {
	var model sync.WaitGroup
	defer model.Wait()
	modelling, end := context.WithCancel(ctx)
	defer end()
	model.Go(func() { s.clock.run(modelling) })
	for {
		if err := s.live(ctx); err != nil || ctx.Err() != nil {
			return err
		}
		if s.lieDown(ctx); ctx.Err() != nil {
			return nil
		}
		s.clock.restart()
	}
}

// live serves until ctx ends or the server goes Down.
func (s *Server) live(ctx context.Context) error {
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	var connections sync.WaitGroup
	server := &http.Server{
		Handler:           s.mux,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return life },
		ConnContext:       withConnection,
		// Counted here, not in the handler: New is reported before Serve returns, so none is missed below.
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed:
				connections.Done()
			}
		},
		ErrorLog: log.New(io.Discard, "", 0), // a broken connection is what it is for
	}
	stopped := make(chan error, 1)
	go func() {
		stopped <- server.Serve(s.listener)
		close(stopped)
	}()
	err := s.await(ctx, stopped, func(kind Fault) bool { return kind == Down })
	end(errGone) // before connections close, which would look as if their clients left
	server.Close()
	for range stopped { // until Serve has returned
	}
	connections.Wait()
	return err
}

// lieDown waits for the end of Down and binds the address again. Another
// socket may hold the port for a moment, as the local end of a connection, so
// it tries until it succeeds.
func (s *Server) lieDown(ctx context.Context) {
	_ = s.await(ctx, nil, func(kind Fault) bool { return kind != Down }) // nothing to stop, so no error
	for ctx.Err() == nil {
		listener, err := net.Listen("tcp", s.address)
		if err == nil {
			s.listener = listener
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// await follows the server's condition, ending it when it expires, until ctx
// ends, the condition is as wanted, or stopped delivers why serving ended.
func (s *Server) await(ctx context.Context, stopped <-chan error, wanted func(Fault) bool) error {
	for {
		now := s.condition.Load()
		if wanted(now.kind) {
			return nil
		}
		var expiry <-chan time.Time
		if !now.expires.IsZero() {
			expiry = time.After(time.Until(now.expires))
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-stopped:
			return fmt.Errorf("simulated server %q: serve: %w", s.options.Name, err)
		case <-now.over:
		case <-expiry:
			s.heal(now)
		}
	}
}
