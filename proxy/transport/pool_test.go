package transport_test

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// run keeps a pool up until the test ends, or stop is called.
func run(t *testing.T, p *transport.Pool) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func TestRunClosesWhatIsIdleForTooLong(t *testing.T) {
	p, conns := pool(t, transport.Options{MaxIdle: 4, IdleTimeout: 50 * time.Millisecond})
	run(t, p)
	a, b := acquire(t, p), acquire(t, p)
	endA, endB := accept(t, conns), accept(t, conns)
	a.Release(true)
	closes(t, endA)
	closes2 := make(chan struct{})
	go func() { defer close(closes2); closes(t, endB) }()
	idle, active := p.Connections()
	assert.Equal(t, []int{0, 1}, []int{idle, active}, "one in use stays, however old")
	b.Release(true)
	<-closes2
}

func TestEndOfRunClosesAll(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"idle time-out": time.Hour, "no idle time-out": 0} {
		t.Run(name, func(t *testing.T) {
			p, conns := pool(t, transport.Options{MaxIdle: 4, IdleTimeout: timeout})
			stop := run(t, p)
			idle, busy := acquire(t, p), acquire(t, p)
			idle.Release(true)
			stop()
			closes(t, accept(t, conns))
			busy.Release(true)
			closes(t, accept(t, conns))
			n, active := p.Connections()
			assert.Equal(t, []int{0, 0}, []int{n, active}, "what comes back after the end is closed")
			late := acquire(t, p)
			assert.False(t, late.Reused, "a request under way may still dial")
			late.Release(true)
			closes(t, accept(t, conns))
		})
	}
}

func TestNothingIsKeptWithoutMaxIdle(t *testing.T) {
	p, conns := pool(t, transport.Options{})
	acquire(t, p).Release(true)
	closes(t, accept(t, conns))
}

// A connection that may not be used again is closed at once: the endpoint is to
// know that nobody waits any more.
func TestWhatIsNotReusableIsClosed(t *testing.T) {
	for name, spoil := range map[string]func(c *transport.Conn, end io.Writer){
		"not released as reusable": nil,
		"poked":                    func(c *transport.Conn, _ io.Writer) { c.Poke() },
		"unread bytes": func(c *transport.Conn, end io.Writer) {
			_, _ = io.WriteString(end, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
			_ = c.Send([]byte("?"), true, 0, within)
			_, err := readAnswer(c, false)
			assert.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, conns := pool(t, transport.Options{MaxIdle: 1})
			c := acquire(t, p)
			end := accept(t, conns)
			if spoil != nil {
				spoil(c, end)
			}
			c.Release(spoil != nil)
			closes(t, end)
			idle, active := p.Connections()
			assert.Equal(t, []int{0, 0}, []int{idle, active})
		})
	}
}

// Many goroutines take and give; what is in use counts down to zero.
func TestConcurrentUse(t *testing.T) {
	p, conns := pool(t, transport.Options{MaxIdle: 4, IdleTimeout: time.Hour})
	drain(t, conns)
	var users sync.WaitGroup
	for u := range 8 {
		users.Go(func() {
			for i := range 50 {
				c, err := p.Acquire(new(wire.Cancel), i%10 == 0, wire.Now())
				if !assert.NoError(t, err) {
					return
				}
				_ = c.Send([]byte("?"), true, 0, within)
				c.Release((u+i)%7 != 0)
			}
		})
	}
	users.Wait()
	idle, active := p.Connections()
	assert.Zero(t, active)
	assert.LessOrEqual(t, idle, 4)
	p.Close()
}

// drain reads what comes and closes what ends, to the end of the test.
func drain(t *testing.T, conns chan net.Conn) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case c := <-conns:
				all.Go(func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() })
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() { close(stop); all.Wait() })
}

func TestConnectionsAreCounted(t *testing.T) {
	registry := metrics.New(metrics.Build{})
	p, conns := pool(t, transport.Options{MaxIdle: 1, Metrics: registry.Endpoint("u", "e")})
	c := acquire(t, p)
	end := accept(t, conns)
	go answerOnce(end, "HTTP/1.1 204 No Content\r\n\r\n")
	require.NoError(t, c.Send([]byte("?"), false, wire.Now()+within, within))
	_, err := readAnswer(c, false)
	require.NoError(t, err)
	c.Release(true)
	c = acquire(t, p)
	require.NoError(t, c.Send([]byte("?"), true, 0, within))
	c.Release(true)
	require.NoError(t, end.Close())
	awaitNews(t, c)
	c = acquire(t, p)
	require.ErrorIs(t, c.Send([]byte("?"), true, 0, within), wire.ErrUnsound)
	c.Release(false)

	page := httptest.NewRecorder()
	registry.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{"opened_total", "reused_total", "stale_total"} {
		assert.Contains(t, page.Body.String(), `steelyard_upstream_connections_`+line+`{endpoint="e",upstream="u"} 1`)
	}
}
