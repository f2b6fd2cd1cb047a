package front_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/front"
)

const (
	within = time.Minute
	get    = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// hello answers every request, and refusals with their status.
func hello(c *front.Conn) {
	status := 200
	if c.Refusal != nil {
		status = c.Refusal.Status
	}
	answer(c, status, c.KeepAlive(true))
}

func answer(c *front.Conn, status int, keep bool) {
	head := "HTTP/1.1 " + strconv.Itoa(status) + " x\r\nContent-Length: 2\r\n"
	if !keep {
		head += "Connection: close\r\n"
	}
	_ = c.Send([]byte(head + "\r\nok"))
}

type server struct {
	*front.Server
	address string
}

func serve(t *testing.T, o front.Options, config *tls.Config, wrap func(net.Listener) net.Listener) *server {
	t.Helper()
	o.HeaderBytes, o.Log, o.Metrics = cmp.Or(o.HeaderBytes, 1<<10), zap.NewNop(), metrics.New(metrics.Build{})
	for _, limit := range []*time.Duration{&o.Header, &o.Body, &o.IdleClient, &o.ClientStall} {
		if *limit == 0 {
			*limit = within
		}
	}
	s, err := front.New(o)
	require.NoError(t, err)
	ln, err := front.Listen("127.0.0.1:0")
	require.NoError(t, err)
	address := ln.Addr().String()
	if wrap != nil {
		ln = wrap(ln)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { _ = s.Run(ctx); done <- struct{}{} }()
	go func() { _ = s.Serve(ln, config); done <- struct{}{} }()
	t.Cleanup(func() {
		limit, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		_ = s.Shutdown(limit)
		stop()
		<-done
		<-done
	})
	return &server{s, address}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(within)))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func ask(t *testing.T, c net.Conn, request string) *http.Response {
	t.Helper()
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, r.Body)
	require.NoError(t, err)
	return r
}

// closes waits for the end of a connection, whatever comes before it.
func closes(t *testing.T, c net.Conn) {
	t.Helper()
	rest(t, c)
}

// rest is what still comes before the connection ends, by a close or a reset.
func rest(t *testing.T, c net.Conn) string {
	t.Helper()
	got, err := io.ReadAll(c)
	netErr, ok := err.(net.Error)
	require.False(t, ok && netErr.Timeout(), "the connection stayed open")
	return string(got)
}

// happens waits for what is certain to come.
func happens[T any](t *testing.T, event <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-event:
	case <-time.After(within):
		require.Fail(t, "it did not happen")
	}
	return value
}

// secure puts TLS over a client's socket if its server does.
func secure(socket net.Conn, over *tls.Config) net.Conn {
	if over == nil {
		return socket
	}
	return tls.Client(socket, &tls.Config{InsecureSkipVerify: true})
}

func TestKeepAlive(t *testing.T) {
	s := serve(t, front.Options{Handler: hello}, nil, nil)
	for request, keeps := range map[string]bool{
		get: true, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": false, "GET / HTTP/1.0\r\n\r\n": false,
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n": true, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello": true,
		"GET /../ HTTP/1.1\r\nHost: x\r\n\r\n": false,
	} {
		c := dial(t, s.address)
		ask(t, c, request)
		if keeps {
			require.Equal(t, 200, ask(t, c, get).StatusCode, request)
		} else {
			closes(t, c)
		}
	}
}

// starved fails to accept, as when no file descriptor is left.
type starved struct {
	net.Listener
	fails atomic.Int32
}

func (s *starved) Accept() (net.Conn, error) {
	if s.fails.Add(-1) >= 0 {
		return nil, os.NewSyscallError("accept4", syscall.EMFILE)
	}
	return s.Listener.Accept()
}

func TestAcceptOutlivesEMFILE(t *testing.T) {
	s := serve(t, front.Options{Handler: hello}, nil, func(ln net.Listener) net.Listener {
		l := &starved{Listener: ln}
		l.fails.Store(3)
		return l
	})
	require.Equal(t, 200, ask(t, dial(t, s.address), get).StatusCode)
}
