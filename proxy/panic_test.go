package proxy_test

import (
	"crypto/tls"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/route"
)

// survives checks that one request was lost to a panic, and nothing else.
func (g *gateway) survives(t *testing.T) {
	t.Helper()
	require.Equal(t, 1, g.count(t, "steelyard_panics_total"))
	lines := g.logged.FilterMessage("panic in a request").All()
	require.Len(t, lines, 1)
	require.Contains(t, lines[0].ContextMap()["stack"], "proxy.(*exchange)")
	g.rests(t)
	r, body := dial(t, g).ask(get)
	require.Equal(t, 200, r.StatusCode)
	require.Equal(t, "fine", body)
}

// answersInternal checks that the request was answered for a panic of ours.
func answersInternal(t *testing.T, c *peer) {
	t.Helper()
	r, body := c.answer()
	require.Equal(t, 500, r.StatusCode)
	require.Contains(t, body, `"code":"internal_error"`)
	require.Contains(t, body, `"type":"server_error"`)
	require.NotContains(t, body, "goroutine", "no stack for the client")
	c.close()
}

func TestPanicBeforeAnEndpointIsChosen(t *testing.T) {
	s := defaults()
	s.routes = []route.Rule{{Path: "/broken"}}
	s.extra = []*proxy.Upstream{{Name: "broken"}} // without a pool
	g := serve(t, s, answering(t, plain("fine")))
	c := dial(t, g)
	c.send(getPath("/broken"))
	answersInternal(t, c)
	g.survives(t)
}

// The lease is held and the connection under way: both are given back.
func TestPanicWhileConnecting(t *testing.T) {
	var armed atomic.Bool
	armed.Store(true)
	s := defaults()
	_, trusting := pair()
	s.connections.TLS = trusting.Clone()
	s.connections.TLS.VerifyConnection = func(tls.ConnectionState) error {
		if armed.Swap(false) {
			panic("while connecting")
		}
		return nil
	}
	g := serve(t, s, answeringTLS(t, plain("fine")))
	c := dial(t, g)
	c.send(get)
	answersInternal(t, c)
	g.survives(t)
}

// trap is a log whose writing panics, once, on "request failed": the handler is
// then in the midst of ending an exchange.
type trap struct {
	zapcore.Core
	armed *atomic.Bool
}

func (c trap) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}

func (c trap) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if e.Message == "request failed" && c.armed.Swap(false) {
		panic("while failing")
	}
	return c.Core.Write(e, fields)
}

func trapped() settings {
	var armed atomic.Bool
	armed.Store(true)
	s := defaults()
	s.core = func(c zapcore.Core) zapcore.Core { return trap{Core: c, armed: &armed} }
	return s
}

func TestPanicBeforeTheCommit(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, trapped(), p.address)
	c := dial(t, g)
	c.send(get)
	asked(t, p).close()
	answersInternal(t, c)
	fine(t, p)
	g.survives(t)
}

// fine makes the endpoint answer the next request properly.
func fine(t *testing.T, p *puppet) {
	go func() {
		if c, ok := <-p.conns; ok {
			up := newPeer(t, c)
			up.request()
			up.send(plain("fine"))
		}
	}()
}

// After the commit there is nothing to answer: the stream is cut.
func TestPanicAfterTheCommit(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, trapped(), p.address)
	c, up := begin(t, g, p, streamHead+chunk("data: 1\n\n"))
	c.head()
	c.expect(chunk("data: 1\n\n"))
	up.close()
	rest, _ := c.rest()
	require.NotContains(t, rest, "0\r\n\r\n", "a cut stream has no last chunk")
	require.Contains(t, rest, `"code":"internal_error"`)
	c.close()
	fine(t, p)
	g.survives(t)
}

// brittle is a listener whose connections panic in the read after so many bytes.
type brittle struct {
	net.Listener
	after int
	armed *atomic.Bool
}

func (l brittle) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &brittleConn{Conn: c, left: l.after, armed: l.armed}, err
}

type brittleConn struct {
	net.Conn
	left  int // bytes; read by one goroutine at a time
	armed *atomic.Bool
}

func (c *brittleConn) Read(p []byte) (int, error) {
	if c.left <= 0 && c.armed.Swap(false) {
		panic("while reading from the client")
	}
	n, err := c.Conn.Read(p)
	c.left -= n
	return n, err
}

// An upload and a tunnel have goroutines of their own: a panic there must not
// end the process either.
func TestPanicOnAnotherGoroutine(t *testing.T) {
	const upgrade = "GET / HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	upload := "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<16)
	for name, c := range map[string]struct {
		request string
		play    func(t *testing.T, c *peer, up *peer)
	}{
		"upload": {upload, func(t *testing.T, c *peer, up *peer) { answersInternal(t, c) }},
		"tunnel": {upgrade, func(t *testing.T, c *peer, up *peer) {
			up.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			c.ends()
			c.close()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var armed atomic.Bool
			armed.Store(true)
			s := defaults()
			s.generation.ReplayBytes = 1 << 10
			s.wrap = func(ln net.Listener) net.Listener {
				return brittle{Listener: ln, after: len(c.request), armed: &armed}
			}
			p := newPuppet(t)
			g := serve(t, s, p.address)
			client := dial(t, g)
			client.send(c.request)
			up := asked(t, p)
			c.play(t, client, up)
			up.ends()
			up.close()
			fine(t, p)
			g.survives(t)
		})
	}
}
