package transport_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

const within = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pool is a Pool to a listener whose connections come out of the channel.
func pool(t *testing.T, o transport.Options) (*transport.Pool, chan net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	conns, stop, done := make(chan net.Conn, 16), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			select {
			case conns <- c:
			case <-stop:
				_ = c.Close()
			}
		}
	}()
	o.Network, o.Address = "tcp", ln.Addr().String()
	if o.Metrics == nil {
		o.Metrics = metrics.New(metrics.Build{}).Endpoint("u", "e")
	}
	p := transport.NewPool(o)
	t.Cleanup(func() { p.Close(); close(stop); _ = ln.Close(); <-done })
	return p, conns
}

func acquire(t *testing.T, p *transport.Pool) *transport.Conn {
	t.Helper()
	c, err := p.Acquire(new(wire.Cancel), false, wire.Now())
	require.NoError(t, err)
	return c
}

func accept(t *testing.T, conns chan net.Conn) net.Conn {
	t.Helper()
	select {
	case c := <-conns:
		require.NoError(t, c.SetDeadline(time.Now().Add(within)))
		t.Cleanup(func() { _ = c.Close() })
		return c
	case <-time.After(within):
		t.Fatal("waited in vain for a connection")
		return nil
	}
}

func TestLastUsedFirst(t *testing.T) {
	p, _ := pool(t, transport.Options{MaxIdle: 2})
	a, b, c := acquire(t, p), acquire(t, p), acquire(t, p)
	a.Release(true)
	b.Release(true)
	c.Release(true) // one too many
	idle, active := p.Connections()
	require.Equal(t, []int{2, 0}, []int{idle, active})
	require.Same(t, b, acquire(t, p))
	require.Same(t, a, acquire(t, p))
	require.True(t, a.Reused)
	a.Release(false)
	b.Release(false)
	_, active = p.Connections()
	require.Zero(t, active)
}

func TestOldConnectionsAreNotUsed(t *testing.T) {
	p, _ := pool(t, transport.Options{MaxIdle: 2, IdleTimeout: time.Nanosecond})
	a := acquire(t, p)
	a.Release(true)
	require.NotSame(t, a, acquire(t, p))
}

func TestSendLooksFirst(t *testing.T) {
	for name, spoil := range map[string]func(net.Conn){
		"closed":        func(c net.Conn) { _ = c.Close() },
		"unasked bytes": func(c net.Conn) { _, _ = io.WriteString(c, "x") },
	} {
		for _, more := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				p, conns := pool(t, transport.Options{MaxIdle: 2})
				c := acquire(t, p)
				server := accept(t, conns)
				c.Release(true)
				spoil(server)
				var err error
				require.Eventually(t, func() bool { // the kernel takes a moment to deliver it
					n, peekErr := peekConn(c)
					return peekErr == nil || n > 0
				}, within, time.Millisecond)
				c = acquire(t, p)
				err = c.Send([]byte("request"), more, wire.Now()+within, within)
				require.ErrorIs(t, err, wire.ErrUnsound)
				c.Release(false)
			})
		}
	}
}

// peekConn looks at what the socket of c holds.
func peekConn(c *transport.Conn) (n int, err error) {
	raw, err := c.Conn.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	_ = raw.Control(func(fd uintptr) { n, err = wire.Peek(int(fd)) })
	return n, err
}

func TestDialFailures(t *testing.T) {
	m := metrics.New(metrics.Build{}).Endpoint("u", "e")
	p := transport.NewPool(transport.Options{Network: "tcp", Address: "127.0.0.1:1", Metrics: m})
	_, err := p.Acquire(new(wire.Cancel), false, wire.Now())
	require.Equal(t, fault.Connect, fault.As(err).Kind)
	require.False(t, fault.As(err).Sent)

	cancelled := new(wire.Cancel)
	cause := errors.New("gone")
	cancelled.Cancel(cause)
	_, err = p.Acquire(cancelled, false, wire.Now())
	require.ErrorIs(t, err, cause)
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.TLS.ServerName) }))
	defer s.Close()
	good := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	good.ServerName = "example.com"
	m := metrics.New(metrics.Build{}).Endpoint("u", "e")
	for name, c := range map[string]struct {
		config *tls.Config
		good   bool
	}{"trusted": {good, true}, "unknown authority": {&tls.Config{ServerName: "example.com"}, false}, "other name": {&tls.Config{RootCAs: good.RootCAs, ServerName: "other.test"}, false}} {
		t.Run(name, func(t *testing.T) {
			p := transport.NewPool(transport.Options{Network: "tcp", Address: s.Listener.Addr().String(), TLS: c.config, Connect: within, MaxIdle: 1, Metrics: m})
			defer p.Close()
			conn, err := p.Acquire(new(wire.Cancel), false, wire.Now())
			if !c.good {
				require.Equal(t, fault.Connect, fault.As(err).Kind)
				return
			}
			require.NoError(t, err)
			for range 2 { // the second time from the pool
				require.NoError(t, conn.Send([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), false, wire.Now()+within, within))
				body, err := readAnswer(conn, false)
				require.NoError(t, err)
				require.Equal(t, "example.com", body)
				conn.Release(true)
				conn, err = p.Acquire(new(wire.Cancel), false, wire.Now())
				require.NoError(t, err)
			}
			conn.Release(false)
		})
	}
}

// readAnswer reads one answer's body and leaves the connection clean.
func readAnswer(c *transport.Conn, toHead bool) (string, error) {
	var a strict.Answer
	size, err := c.ReadHead(&a, wire.Now()+within)
	if err != nil {
		return "", err
	}
	var b transport.Body
	var text strings.Builder
	b.Begin(c, &a, size, toHead)
	for {
		piece, err := b.Next(wire.Now() + within)
		text.Write(piece)
		if errors.Is(err, io.EOF) {
			b.Settle()
			return text.String(), nil
		}
		if err != nil {
			return text.String(), err
		}
	}
}

// Every framing gives the same body wherever its bytes are split, and an error
// wherever they end too early.
func TestBodies(t *testing.T) {
	for _, c := range []struct {
		name, head, body, want string
		toHead, untilClose     bool
	}{
		{name: "length", head: "Content-Length: 5\r\n", body: "hello", want: "hello"},
		{name: "chunks", head: "Transfer-Encoding: chunked\r\n", body: "2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX-A: b\r\nContent-Length: 7\r\n\r\n", want: "hello"},
		{name: "close", body: "hello", want: "hello", untilClose: true},
		{name: "HEAD", head: "Content-Length: 5\r\n", toHead: true},
		{name: "empty", head: "Content-Length: 0\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for cut := 0; cut <= len(c.body); cut++ {
				for _, whole := range []bool{true, false} {
					p, conns := pool(t, transport.Options{})
					conn := acquire(t, p)
					server := accept(t, conns)
					go func() {
						w := bufio.NewWriter(server)
						_, _ = w.WriteString("HTTP/1.1 200 OK\r\n" + c.head + "\r\n" + c.body[:cut])
						_ = w.Flush()
						if whole {
							_, _ = io.WriteString(server, c.body[cut:])
						}
						_ = server.Close()
					}()
					body, err := readAnswer(conn, c.toHead)
					if whole || c.untilClose || cut == len(c.body) {
						require.NoError(t, err)
					} else {
						require.Equal(t, fault.Truncated, fault.As(err).Kind, "cut at %d", cut)
					}
					if whole {
						require.Equal(t, c.want, body)
					}
					conn.Release(false)
				}
			}
		})
	}
}

func TestBadHeads(t *testing.T) {
	for name, c := range map[string]struct {
		wire string
		kind fault.Kind
	}{
		"nothing":   {"", fault.Closed},
		"garbage":   {"SSH-2.0-x\r\n\r\n", fault.BadAnswer},
		"bare LF":   {"HTTP/1.1 200 OK\n\n", fault.BadAnswer},
		"cut short": {"HTTP/1.1 200 OK\r\nContent", fault.BadAnswer},
		"too large": {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", transport.BufferBytes), fault.BadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			p, conns := pool(t, transport.Options{})
			conn := acquire(t, p)
			server := accept(t, conns)
			go func() { _, _ = io.WriteString(server, c.wire); _ = server.(*net.TCPConn).CloseWrite() }()
			_, err := readAnswer(conn, false)
			require.Equal(t, c.kind, fault.As(err).Kind)
			conn.Release(false)
		})
	}
}
