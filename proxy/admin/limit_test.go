package admin

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dialed is a client's connection on which a request has been answered, if asked.
func dialed(t *testing.T, s *running, ask bool) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.url[len("http://"):])
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	if ask {
		_, err = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		require.NoError(t, err)
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		require.Equal(t, 200, r.StatusCode)
		_, err = io.Copy(io.Discard, r.Body)
		require.NoError(t, err)
	}
	return c
}

// TestIdleConnectionsMakeRoom: an operator gets through, whoever holds connections open.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	s := start(t)
	var idle []net.Conn
	for i := range maxConns {
		idle = append(idle, dialed(t, s, true))
		s.silentAre(i + 1)
	}
	for range 3 {
		dialed(t, s, true)
	}
	for i, c := range idle[:3] {
		_, err := c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF, "connection %d, idle for longest", i)
	}
}

// TestSilentConnectionsMakeRoom: so it is with those that have not asked yet, or not to the end.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	for name, begin := range map[string]string{
		"nothing":     "",
		"half a head": "GET /healthz HTTP/1.1\r\nHost: loc",
		"no body":     "POST /api/v1/upstreams/x/endpoints/y/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
		"a long body": "POST /api/v1/upstreams/x/endpoints/y/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n" +
			strings.Repeat("x", 5000),
		"a page of a gateway": "POST /api/v1/gateways/load HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n" + strings.Repeat("x", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(o *Options, _ *running) { o.Pages = http.NotFoundHandler() })
			for range maxConns {
				_, err := io.WriteString(dialed(t, s, false), begin)
				require.NoError(t, err)
			}
			s.silentAre(maxConns)
			for range 3 {
				dialed(t, s, true)
			}
		})
	}
}

// silentAre waits until so many connections owe a request.
func (s *running) silentAre(n int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		s.server.conns.mu.Lock()
		defer s.server.conns.mu.Unlock()
		return len(s.server.conns.silent) == n
	}, time.Minute, time.Millisecond)
}

// open is how many connections are open.
func (s *running) open() int {
	s.server.conns.mu.Lock()
	defer s.server.conns.mu.Unlock()
	return s.server.conns.open
}

// TestBusyConnectionsAreNotCut: where none is idle, it is the new one that goes.
func TestBusyConnectionsAreNotCut(t *testing.T) {
	leave := make(chan struct{})
	var entered atomic.Int32
	s := start(t, func(o *Options, _ *running) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			entered.Add(1)
			<-leave
			_, _ = io.WriteString(w, "whole\n")
		})
	})
	var busy []net.Conn
	for range maxConns {
		c := dialed(t, s, false)
		_, err := io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
		require.NoError(t, err)
		busy = append(busy, c)
	}
	require.Eventually(t, func() bool { return entered.Load() == maxScrapes }, time.Minute, time.Millisecond)
	require.Eventually(t, func() bool { return s.open() == maxConns }, time.Minute, time.Millisecond) // none is yet to be accepted
	s.silentAre(0)
	_, err := dialed(t, s, false).Read(make([]byte, 1))
	assert.Error(t, err, "one more is open")
	assert.EqualValues(t, maxScrapes, entered.Load(), "scrapes at once")
	close(leave)
	for _, c := range busy {
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		assert.Equal(t, "whole\n", string(body))
	}
}
