// Listening, and admitting connections within the limits.

package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// maxRefusals is how many connections above the limit get an answer at once; others
// are closed without one, so that a flood costs little.
const maxRefusals = 64

// Listen opens "host:port" or "unix:/path.sock". It replaces a socket file on which
// nobody listens any more.
func Listen(address string) (net.Listener, error) { return ListenAs(address, byUmask) }

// ListenAs is Listen with the access to a unix socket.
func ListenAs(address string, a Access) (net.Listener, error) {
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		return listenUnix(path, a)
	}
	lc := net.ListenConfig{KeepAliveConfig: keepAlive}
	return lc.Listen(context.Background(), "tcp", address)
}

// keepAlive finds out within a minute that a client is gone without a word.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}

// listener hands each accepted connection to fasthttp as a *Conn.
type listener struct {
	net.Listener
	server *Server
	tls    *tls.Config
}

// Accept returns connections as *Conn. While the process has no file descriptor to
// spare it waits; an error would end fasthttp's loop for good.
func (l *listener) Accept() (net.Conn, error) {
	pause := 5 * time.Millisecond
	for {
		l.server.awaitRoom()
		nc, err := l.Listener.Accept()
		switch {
		case err == nil:
			if c := l.server.admit(nc, l.tls); c != nil {
				return c, nil
			}
			pause = 5 * time.Millisecond
		case errors.Is(err, net.ErrClosed):
			return nil, err
		default:
			l.server.Metrics.AcceptFailed()
			l.server.CloseIdle(roomAtOnce)
			l.server.Log.Warn("accept failed, trying again", zap.Error(err), zap.Duration("pause", pause))
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
		}
	}
}

// admit applies the limits on connections. It returns nil if it has closed nc.
func (s *Server) admit(nc net.Conn, config *tls.Config) *Conn {
	var over *strict.Refusal
	if s.open.Add(1); s.Connections > 0 && s.full() && !s.makeRoom() {
		s.Metrics.ConnectionRefused()
		if over = strict.TooManyConnections; !s.turnAway() {
			_ = nc.Close()
			return nil
		}
	}
	c := newConn(s, nc, config)
	if mayStay := s.track(c); !mayStay && over == nil {
		if over = strict.TooManyOfClient; !s.turnAway() {
			s.Metrics.ClientLimited(metrics.LimitConnections)
			s.forget(c)
			_ = nc.Close()
			return nil
		}
	}
	if over == nil {
		s.Metrics.ConnectionAccepted()
	} else {
		c.over = over
		c.state.Store(stateActive)
	}
	s.watch.add(c)
	return c
}

// turnAway counts a connection as refused instead of open, and says whether one more may
// get an answer.
func (s *Server) turnAway() bool {
	s.open.Add(-1)
	if s.refused.Add(1) > maxRefusals {
		s.refused.Add(-1)
		return false
	}
	return true
}
