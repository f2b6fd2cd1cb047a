package admin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStopFinishesAnswersUnderWay: the scrape that is being written when the
// process stops is the one that shows why.
func TestStopFinishesAnswersUnderWay(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, func(o *Options, _ *running) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-leave
			_, _ = io.WriteString(w, "whole\n")
		})
	})
	got := make(chan answered)
	go func() { got <- s.do("GET", "/metrics", "") }()
	<-entered
	s.stop()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", s.url[len("http://"):])
		if err == nil {
			c.Close()
		}
		return err != nil
	}, time.Minute, time.Millisecond, "the listener still accepts")
	close(leave)
	assert.Equal(t, "whole\n", string((<-got).body))
	assert.NoError(t, <-s.ended)
	close(s.ended)
}

// TestStopDoesNotWaitForever, in a bubble's time: an answer that never ends is
// cut when its three seconds are over.
func TestStopDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		entered, cut := make(chan struct{}), false
		server := New(Options{Metrics: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
			cut = true
		})})
		ln := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		ended := make(chan error)
		go func() { ended <- server.Run(ctx, ln) }()
		client, ours := net.Pipe()
		ln.conns <- ours
		_, err := io.WriteString(client, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
		require.NoError(t, err)
		<-entered
		before := time.Now()
		stop()
		require.NoError(t, <-ended)
		assert.Equal(t, stopTimeout, time.Since(before))
		_, err = client.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF)
		synctest.Wait()
		assert.True(t, cut)
	})
}

// TestSilentClientIsClosed: a connection that never sends a whole header does
// not stay.
func TestSilentClientIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ln := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		ended := make(chan error)
		go func() { ended <- New(Options{Metrics: http.NotFoundHandler()}).Run(ctx, ln) }()
		client, ours := net.Pipe()
		ln.conns <- ours
		_, err := io.WriteString(client, "GET /healthz HTTP/1.1\r\n")
		require.NoError(t, err)
		before := time.Now()
		_, err = io.ReadAll(bufio.NewReader(client))
		require.NoError(t, err)
		assert.Equal(t, headerTimeout, time.Since(before))
		stop()
		require.NoError(t, <-ended)
	})
}

func TestRunReportsAFailedListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	err = New(Options{Metrics: http.NotFoundHandler()}).Run(t.Context(), ln)
	assert.ErrorContains(t, err, fmt.Sprintf("serve admin listener %s: ", ln.Addr()))
	assert.ErrorIs(t, err, net.ErrClosed)
}

// pipeListener hands out the connections it is given; no sockets, so that time
// in a bubble can pass.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{} // closed by Close, once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }
