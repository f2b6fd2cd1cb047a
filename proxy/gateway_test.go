package proxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/route"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
)

// within is how long a condition may take to come true.
const within = 5 * time.Second

// gateway is the data path without configuration: a front server, the handler,
// and one pool over raw TCP endpoints that the test plays itself.
type gateway struct {
	address  string
	registry *metrics.Registry
	loads    []*balancer.Load
	front    *front.Server
	ln       net.Listener
}

// settings are what tests vary.
type settings struct {
	upstream    proxy.Upstream
	connections transport.Options
	front       front.Options
	generation  proxy.Generation
	access      bool
}

func defaults() settings {
	return settings{
		upstream:    proxy.Upstream{Name: "chat", PassHost: true, Idle: within},
		connections: transport.Options{Network: "tcp", Connect: within, MaxIdle: 64, IdleTimeout: time.Minute},
		front: front.Options{
			HeaderBytes: 8 << 10, Header: within, Body: within, IdleClient: within, ClientStall: within,
			Connections: 1000, Log: zap.NewNop(),
		},
		generation: proxy.Generation{BodyBytes: 64 << 20, ReplayBytes: 4 << 20, BodyMemory: 1 << 30, UpgradeIdle: within},
	}
}

// serve starts a gateway over the endpoints at these addresses; it ends with t.
func serve(t testing.TB, s settings, endpoints ...string) *gateway {
	t.Helper()
	g := &gateway{registry: metrics.New(metrics.Build{Version: "test"})}
	build, err := policy.Lookup("capacity")
	require.NoError(t, err)
	pool := balancer.NewPool(s.upstream.Name, balancer.NewLoads())
	var options []balancer.EndpointOptions
	for i, address := range endpoints {
		o := s.connections
		o.Address = address
		name := string(rune('a' + i))
		o.Metrics = g.registry.Endpoint(s.upstream.Name, name)
		conns := transport.NewPool(o)
		t.Cleanup(conns.Close)
		options = append(options, balancer.EndpointOptions{
			Name: name, URL: "http://" + address, Capacity: 100,
			Via: &proxy.Target{Name: name, Host: address, Conns: conns, Metrics: o.Metrics},
		})
	}
	require.NoError(t, pool.Apply(build, options))
	for _, e := range pool.Snapshot().Endpoints {
		g.loads = append(g.loads, e.Endpoint.Load())
	}
	s.upstream.Pool, s.upstream.Metrics = pool, g.registry.Upstream(s.upstream.Name)
	s.generation.Routes = route.NewTable([]route.Rule{{Path: "/"}})
	s.generation.Upstreams = []*proxy.Upstream{&s.upstream}
	handler := proxy.NewHandler(s.front.Log, g.registry, nil)
	handler.Use(&s.generation)
	if s.front.Handler == nil {
		s.front.Handler = handler.Serve
	}
	s.front.Metrics = g.registry
	g.front, err = front.New(s.front)
	require.NoError(t, err)
	g.start(t)
	return g
}

func (g *gateway) start(t testing.TB) {
	var err error
	g.ln, err = front.Listen("127.0.0.1:0")
	require.NoError(t, err)
	g.address = g.ln.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { _ = g.front.Run(ctx); done <- struct{}{} }()
	go func() { _ = g.front.Serve(g.ln, nil); done <- struct{}{} }()
	t.Cleanup(func() {
		limit, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = g.front.Shutdown(limit)
		stop()
		<-done
		<-done
	})
}

func (g *gateway) inFlight() (n int64) {
	for _, l := range g.loads {
		n += l.InFlight()
	}
	return n
}

// endpoint is a server whose every connection the test serves by hand.
func endpoint(t testing.TB, serve func(c net.Conn, br *bufio.Reader)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(c, bufio.NewReader(c))
			}()
		}
	}()
	return ln.Addr().String()
}

// answering is an endpoint that answers every request with the same bytes.
func answering(t testing.TB, answer string) string {
	return endpoint(t, func(c net.Conn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	})
}

func dial(t testing.TB, g *gateway) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", g.address)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(2*within)))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

const get = "GET / HTTP/1.1\r\nHost: x.test\r\n\r\n"

// ask sends raw bytes and reads one answer.
func ask(t testing.TB, c net.Conn, request string) (*http.Response, string) {
	t.Helper()
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return r, string(body)
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, within, time.Millisecond, what)
}

func post(body string) string {
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x.test\r\nUser-Agent: bench\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer sk-0123456789\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// BenchmarkExchange is one request over warm connections: two sockets, four
// copies, all of the handler. Its allocations must stay at zero.
func BenchmarkExchange(b *testing.B) {
	g := serve(b, defaults(), echoing(b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\nServer: x\r\nContent-Length: 300\r\n\r\n"+strings.Repeat("x", 300)))
	c := dial(b, g)
	require.NoError(b, c.SetDeadline(time.Time{}))
	request := []byte(post(strings.Repeat("y", 600)))
	answer := make([]byte, 4096)
	var reads atomic.Int64
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		n, err := c.Read(answer)
		if err != nil || n < 300 {
			b.Fatal(n, err)
		}
		reads.Add(1)
	}
}

// echoing is answering without parsing: each read is taken for one request.
func echoing(t testing.TB, answer string) string {
	return endpoint(t, func(c net.Conn, _ *bufio.Reader) {
		request, out := make([]byte, 64<<10), []byte(answer)
		for {
			if _, err := c.Read(request); err != nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	})
}
