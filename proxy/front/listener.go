package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"go.uber.org/zap"
)

// maxRefusals is how many connections above the limit are told so at once; the
// ones beyond that are closed without a word, so that a flood costs little.
const maxRefusals = 64

// Listen opens "host:port" or "unix:/path.sock". A socket file that nobody
// listens on any more is replaced.
func Listen(address string) (net.Listener, error) { return ListenAs(address, byUmask) }

// ListenAs is Listen with who may connect to a unix socket.
func ListenAs(address string, a Access) (net.Listener, error) {
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		return listenUnix(path, a)
	}
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3,
	}}
	return lc.Listen(context.Background(), "tcp", address)
}

// listener hands each accepted connection to fasthttp as a *Conn.
type listener struct {
	net.Listener
	server *Server
	tls    *tls.Config
}

// Accept returns connections as *Conn. It outlives what kills fasthttp's own
// loop: it waits while the process has no file descriptor to spare.
func (l *listener) Accept() (net.Conn, error) {
	pause := 5 * time.Millisecond
	for {
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
			l.server.Log.Warn("accept failed, trying again", zap.Error(err), zap.Duration("pause", pause))
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
		}
	}
}

// admit applies the connection limit, or returns nil when it has closed nc.
func (s *Server) admit(nc net.Conn, config *tls.Config) *Conn {
	over := false
	if n := s.open.Add(1); s.Connections > 0 && n > int64(s.Connections) {
		s.open.Add(-1)
		s.Metrics.ConnectionRefused()
		if over = true; s.refused.Add(1) > maxRefusals {
			s.refused.Add(-1)
			_ = nc.Close()
			return nil
		}
	}
	if !over {
		s.Metrics.ConnectionAccepted()
	}
	c := newConn(s, nc, config)
	c.over = over
	s.track(c)
	s.watch.add(c)
	return c
}
