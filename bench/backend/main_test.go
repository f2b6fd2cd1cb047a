package backend

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble runs a server and a client of it over pipes in fake time, so that
// durations in the test are exact.
func inBubble(t *testing.T, o Options, test func(t *testing.T, s *Server, client *http.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := New(o)
		require.NoError(t, err)
		require.NoError(t, s.listener.Close())
		pipes := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		s.listener = pipes
		s.clock.alarm.Close()
		s.clock.alarm = alarm.Plain() // fake time is known to Go's timers only
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		transport := &http.Transport{DialContext: pipes.dial, MaxIdleConnsPerHost: 1000}
		test(t, s, &http.Client{Transport: transport})
		transport.CloseIdleConnections()
		stop()
		require.NoError(t, <-ended)
		requireSettled(t, s)
	})
}

// onLoopback runs a server on a real socket; stop ends it and reports how it ended.
func onLoopback(t *testing.T, o Options) (s *Server, stop func() error) {
	t.Helper()
	s, err := New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		require.NoError(t, stop())
		requireSettled(t, s)
		http.DefaultClient.CloseIdleConnections()
	})
	return s, stop
}

func requireSettled(t *testing.T, s *Server) {
	t.Helper()
	c := s.Counts()
	require.Zero(t, c.InFlight)
	require.Zero(t, c.Waiting)
	require.Equal(t, c.Requests, c.Completed+c.Aborted+c.Failed, "%+v", c)
	require.Zero(t, s.clock.engine.State().Load(), "slots given back")
	require.Empty(t, s.clock.jobs)
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask sends one POST; body is JSON.
func ask(ctx context.Context, client *http.Client, url, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	return client.Do(r)
}

// askWhole sends one POST and reads the answer to its end.
func askWhole(t *testing.T, client *http.Client, url, body string) (status int, answer string) {
	t.Helper()
	response, err := ask(context.Background(), client, url, body)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// eventually waits for a condition that other goroutines bring about on real sockets.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, time.Millisecond, what)
}

const chatURL = "http://server/v1/chat/completions"
