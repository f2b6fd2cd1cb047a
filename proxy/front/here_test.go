package front_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// pausing answers at once, but for a request to /pause, which waits until it may go on.
func pausing() (handler func(*front.Conn), paused chan struct{}, goOn chan struct{}) {
	paused, goOn = make(chan struct{}), make(chan struct{})
	return func(c *front.Conn) {
		if c.Request != nil && string(c.Request.Path) == "/pause" {
			paused <- struct{}{}
			<-goOn
		}
		hello(c)
	}, paused, goOn
}

const (
	pause = "GET /pause HTTP/1.1\r\nHost: x\r\n\r\n"
	short = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
)

// A client that leaves, or says that it does, right behind a request is let go, though the end is
// never read by itself.
func TestEndTogetherWithARequest(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn) error{
		"half-closed": (*net.TCPConn).CloseWrite,
		"closed":      (*net.TCPConn).Close,
		"reset": func(c *net.TCPConn) error {
			_ = c.SetLinger(0)
			return c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			handler, paused, goOn := pausing()
			s := serve(t, front.Options{Handler: handler, IdleClient: time.Hour}, nil, nil)
			c := dial(t, s.address).(*net.TCPConn)
			ask(t, c, get)
			_, err := io.WriteString(c, pause)
			require.NoError(t, err)
			happens(t, paused)
			_, err = io.WriteString(c, get)
			require.NoError(t, err)
			require.NoError(t, end(c))
			goOn <- struct{}{}
			assert.Eventually(t, func() bool {
				idle, active, tunnel := s.States()
				return idle+active+tunnel == 0
			}, within, time.Millisecond, "the connection stays")
		})
	}
}

// Requests that come while another is being served are all answered, in their order.
func TestRequestsThatComeTogether(t *testing.T) {
	handler, paused, goOn := pausing()
	s := serve(t, front.Options{Handler: handler}, nil, nil)
	c := dial(t, s.address)
	ask(t, c, short)
	for range 3 {
		_, err := io.WriteString(c, pause+short)
		require.NoError(t, err)
		happens(t, paused)
		_, err = io.WriteString(c, get+short+short[:20])
		require.NoError(t, err)
		goOn <- struct{}{}
		r := bufio.NewReader(c)
		for answer := range 5 {
			if answer == 4 {
				_, err = io.WriteString(c, short[20:])
				require.NoError(t, err)
			}
			got, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, got.Body)
			require.NoError(t, err)
			assert.Equal(t, 200, got.StatusCode)
		}
	}
}

// What needs more of the client than has come is served as ever: a body that comes later, one in
// chunks, a head in two parts, one that is refused, an answer that ends the connection.
func TestRequestsThatNeedMoreOfTheClient(t *testing.T) {
	s := serve(t, front.Options{Handler: func(c *front.Conn) {
		if c.Refusal == nil {
			if _, err := io.Copy(io.Discard, bodyOf{c}); err != nil {
				c.Abort(false)
				return
			}
		}
		hello(c)
	}}, nil, nil)
	c := dial(t, s.address)
	r := bufio.NewReader(c)
	for _, parts := range []string{
		short, short[:len(short)-2] + "|" + short[len(short)-2:], short[:30] + "|" + short[30:],
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", "\r\n" + get, get,
	} {
		for _, part := range strings.Split(parts, "|") {
			_, err := io.WriteString(c, part)
			require.NoError(t, err)
		}
		got, err := http.ReadResponse(r, nil)
		require.NoError(t, err, parts)
		_, err = io.Copy(io.Discard, got.Body)
		require.NoError(t, err)
		assert.Equal(t, 200, got.StatusCode, parts)
	}
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	assert.Contains(t, rest(t, c), "200")
}

// bodyOf reads the body of a request.
type bodyOf struct{ c *front.Conn }

func (b bodyOf) Read(p []byte) (int, error) { return b.c.ReadBody(p) }
