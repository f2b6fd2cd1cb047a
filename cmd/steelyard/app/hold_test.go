package app_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// holder is an endpoint whose streams go on until the test ends them.
type holder struct {
	*httptest.Server
	release     func()       // ends all streams, whole; may be called again
	connections atomic.Int64 // opened so far
}

// newHolder makes a holder that ends with the test.
func newHolder(t *testing.T) *holder {
	t.Helper()
	ended := make(chan struct{})
	h := &holder{release: sync.OnceFunc(func() { close(ended) })}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stream" {
			_, _ = io.WriteString(w, "held")
			return
		}
		_, _ = io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		select {
		case <-ended:
			_, _ = io.WriteString(w, "last\n")
		case <-r.Context().Done():
		}
	}))
	h.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			h.connections.Add(1)
		}
	}
	h.Start()
	t.Cleanup(func() { h.release(); h.Close() })
	return h
}

// stream is a client's end of a stream under way.
type stream struct {
	rest   *bufio.Reader
	answer *http.Response
}

// open starts a stream and waits until its first line has come.
func open(t *testing.T, r *running) *stream {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.url+"/stream", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	s := &stream{bufio.NewReader(answer.Body), answer}
	line, err := s.rest.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "first\n", line)
	return s
}

// end reads the stream to its end.
func (s *stream) end() (string, error) {
	rest, err := io.ReadAll(s.rest)
	return string(rest), err
}

// state is an endpoint's state in the pool of the only upstream, or fails.
func (r *running) state(t *testing.T, name string) balancer.EndpointState {
	t.Helper()
	for _, e := range r.Snapshots()[0].Endpoints {
		if e.Endpoint.Name() == name {
			return e
		}
	}
	require.Fail(t, "no such endpoint", name)
	return balancer.EndpointState{}
}
