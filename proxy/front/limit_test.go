package front_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

func TestHeadSizes(t *testing.T) {
	s := serve(t, front.Options{Handler: hello}, nil, nil)
	much := strings.Repeat("a", 2000)
	require.Equal(t, 414, ask(t, dial(t, s.address), "GET /"+much).StatusCode)
	require.Equal(t, 431, ask(t, dial(t, s.address), "GET / HTTP/1.1\r\nHost: x\r\nX: "+much).StatusCode)
}

// TestHeadLimitIsExact, also where a head outgrows the memory that it begins with.
func TestHeadLimitIsExact(t *testing.T) {
	const limit = 20_000
	s := serve(t, front.Options{Handler: hello, HeaderBytes: limit}, nil, nil)
	begin, end := "GET / HTTP/1.1\r\nHost: x\r\nX: ", "\r\n\r\n"
	for more, status := range map[int]int{0: 200, 1: 431, 5000: 431} {
		fill := strings.Repeat("a", limit-len(begin)-len(end)+more)
		require.Equal(t, status, ask(t, dial(t, s.address), begin+fill+end).StatusCode, "%d bytes more", more)
	}
}

const brief = 50 * time.Millisecond

// The limit is for the head as a whole: bytes that trickle in do not extend it.
func TestSlowHead(t *testing.T) {
	s := serve(t, front.Options{Handler: hello, Header: brief}, nil, nil)
	require.Eventually(t, func() bool { // on a busy machine the first byte may come too late, which is not answered
		c := dial(t, s.address)
		answered := make(chan struct{})
		go func() {
			tick := time.NewTicker(brief / 5)
			defer tick.Stop()
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: ")
			for err == nil {
				select {
				case <-tick.C:
					_, err = io.WriteString(c, "x")
				case <-answered:
					return
				}
			}
		}()
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		close(answered)
		return err == nil && assert.Equal(t, 408, r.StatusCode) && assert.True(t, r.Close)
	}, within, time.Millisecond)
	require.Empty(t, rest(t, dial(t, s.address)), "who says nothing at all gets no answer")
}

func TestIdleClientIsClosedSilently(t *testing.T) {
	s := serve(t, front.Options{Handler: hello, IdleClient: brief}, nil, nil)
	for _, behind := range []string{"", "\r\n", "\r"} { // empty lines are no request
		c := dial(t, s.address)
		r := ask(t, c, get+behind)
		require.False(t, r.Close)
		require.Empty(t, rest(t, c))
	}
}

// busy is a handler whose requests for /busy last until free is closed.
func busy(entered chan<- struct{}, free <-chan struct{}) func(*front.Conn) {
	return func(c *front.Conn) {
		if c.Refusal == nil && string(c.Request.Path) == "/busy" {
			entered <- struct{}{}
			<-free
		}
		hello(c)
	}
}

const getBusy = "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n"

func TestConnectionLimit(t *testing.T) {
	config := certificate(t, t.TempDir(), "one")
	for name, over := range map[string]*tls.Config{"plain": nil, "TLS": config} {
		t.Run(name, func(t *testing.T) {
			entered, freed := make(chan struct{}, 1), make(chan struct{})
			s := serve(t, front.Options{Handler: busy(entered, freed), Connections: 1}, over, nil)
			free := sync.OnceFunc(func() { close(freed) })
			t.Cleanup(free)
			open := func() net.Conn { return secure(dial(t, s.address), over) }
			first := open()
			_, err := io.WriteString(first, getBusy)
			require.NoError(t, err)
			happens(t, entered)
			require.Equal(t, 503, unasked(t, open()))
			require.Equal(t, 503, unasked(t, open()), "a refused connection does not count")
			free()
			r, err := http.ReadResponse(bufio.NewReader(first), nil)
			require.NoError(t, err, "the ones within the limit go on")
			require.Equal(t, 200, r.StatusCode)
			require.NoError(t, first.Close())
			require.Eventually(t, func() bool {
				c := open()
				defer func() { _ = c.Close() }()
				if _, err := io.WriteString(c, get); err != nil {
					return false // refused already
				}
				r, err := http.ReadResponse(bufio.NewReader(c), nil)
				return err == nil && r.StatusCode == 200
			}, within, time.Millisecond, "there is room again")
		})
	}
}

// unasked is the status that comes without a request, on a connection that then closes.
func unasked(t *testing.T, c net.Conn) int {
	t.Helper()
	if secured, ok := c.(*tls.Conn); ok {
		require.NoError(t, secured.Handshake())
	}
	reader := bufio.NewReader(c)
	r, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.True(t, r.Close)
	_, err = io.Copy(io.Discard, r.Body)
	require.NoError(t, err)
	_, err = reader.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	return r.StatusCode
}

// An answer that comes before the request is over can be read afterwards, though
// the client goes on sending: an immediate close would reset the connection.
func TestEarlyAnswerStaysReadable(t *testing.T) {
	config := certificate(t, t.TempDir(), "one")
	for name, over := range map[string]*tls.Config{"plain": nil, "TLS": config} {
		t.Run(name, func(t *testing.T) {
			answered := make(chan struct{})
			s := serve(t, front.Options{Handler: func(c *front.Conn) {
				answer(c, 413, c.KeepAlive(true))
				close(answered)
			}}, over, nil)
			c := secure(dial(t, s.address), over)
			_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
			require.NoError(t, err)
			happens(t, answered)
			for range 128 {
				_, err = c.Write(make([]byte, 64<<10))
				require.NoError(t, err)
			}
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			require.NoError(t, err)
			require.Equal(t, 413, r.StatusCode)
			require.True(t, r.Close)
			got, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.Equal(t, "ok", string(got))
		})
	}
}

// A few empty lines may stand before a request, for each anew; more of them are refused, in
// one piece or in many.
func TestEmptyLinesBeforeARequest(t *testing.T) {
	s := serve(t, front.Options{Handler: hello, Header: time.Minute, IdleClient: time.Minute}, nil, nil)
	c := dial(t, s.address)
	for range 3 {
		require.Equal(t, 200, ask(t, c, strings.Repeat("\r\n", 8)+get).StatusCode)
	}
	r := ask(t, c, strings.Repeat("\r\n", 9)+get)
	require.Equal(t, 400, r.StatusCode)
	require.True(t, r.Close)

	c = dial(t, s.address)
	go func() {
		for range 100 {
			if _, err := io.WriteString(c, "\r\n"); err != nil {
				return
			}
		}
	}()
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.Equal(t, 400, answer.StatusCode)
}
