package front_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// A newcomer gets the place of whoever has been idle for longest, in order.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	config := certificate(t, t.TempDir(), "one")
	for name, over := range map[string]*tls.Config{"plain": nil, "TLS": config} {
		t.Run(name, func(t *testing.T) {
			entered, free := make(chan struct{}, 1), make(chan struct{})
			release := sync.OnceFunc(func() { close(free) })
			s := serve(t, front.Options{Handler: busy(entered, free), Connections: 4}, over, nil)
			t.Cleanup(release) // before the server is shut down
			idleAgain := func() bool { idle, _, _ := s.States(); return idle == 3 }
			working := secure(dial(t, s.address), over)
			_, err := io.WriteString(working, getBusy)
			require.NoError(t, err)
			happens(t, entered)
			first, second, third := secure(dial(t, s.address), over), secure(dial(t, s.address), over), secure(dial(t, s.address), over)
			for _, c := range []net.Conn{second, first, third} {
				require.Equal(t, 200, ask(t, c, get).StatusCode)
				require.Eventually(t, idleAgain, within, tick, "a connection is idle a moment after its answer")
			}

			require.Equal(t, 200, ask(t, secure(dial(t, s.address), over), get).StatusCode, "a newcomer")
			require.Empty(t, rest(t, second), "it has been idle for longest, and ends without a word")
			require.Equal(t, 200, ask(t, first, get).StatusCode)
			require.Equal(t, 200, ask(t, third, get).StatusCode)
			release()
			r, err := http.ReadResponse(bufio.NewReader(working), nil)
			require.NoError(t, err, "whoever has a request under way is not idle")
			require.Equal(t, 200, r.StatusCode)
		})
	}
}

// A thousand newcomers, each of whom stays, find room at a limit of twenty.
func TestManyNewcomersFindRoom(t *testing.T) {
	s := serve(t, front.Options{Handler: hello, Connections: 20}, nil, nil)
	for range 1000 {
		require.Equal(t, 200, ask(t, dial(t, s.address), get).StatusCode)
	}
}

// A client that has sent half a head for a while gives its place to a newcomer, at the limit of
// connections and where descriptors run out; one that is slow, but there, is served.
func TestHalfHeadsMakeRoom(t *testing.T) {
	for name, o := range map[string]front.Options{
		"limits.connections": {Connections: 2},
		"descriptors":        {Descriptors: 2},
	} {
		t.Run(name, func(t *testing.T) {
			o.Handler = hello
			s := serve(t, o, nil, nil)
			slow := dial(t, s.address)
			_, err := io.WriteString(slow, get[:len(get)-2])
			require.NoError(t, err)
			_, err = io.WriteString(slow, get[len(get)-2:])
			require.NoError(t, err)
			require.Equal(t, 200, answered(t, slow))
			for range 2 {
				_, err := io.WriteString(dial(t, s.address), "GET / HTTP/1.1\r\nHost: x")
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool {
				c := dial(t, s.address)
				defer func() { _ = c.Close() }()
				if _, err := io.WriteString(c, get); err != nil {
					return false // refused already
				}
				r, err := http.ReadResponse(bufio.NewReader(c), nil)
				return err == nil && r.StatusCode == 200
			}, within, tick)
		})
	}
}

// answered is the status of the answer that comes on c.
func answered(t *testing.T, c net.Conn) int {
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	return r.StatusCode
}

// CloseIdle is for whoever needs file descriptors back.
func TestCloseIdle(t *testing.T) {
	s := serve(t, front.Options{Handler: hello}, nil, nil)
	c := dial(t, s.address)
	require.Zero(t, s.CloseIdle(0))
	require.Equal(t, 200, ask(t, c, get).StatusCode)
	require.Eventually(t, func() bool { return s.CloseIdle(5) == 1 }, within, tick)
	closes(t, c)
	require.Eventually(t, func() bool { idle, active, _ := s.States(); return idle+active == 0 }, within, tick)
	require.Zero(t, s.CloseIdle(5))
}

func TestConnectionsOfOneClient(t *testing.T) {
	s := serve(t, front.Options{Handler: hello, OfClient: 2}, nil, nil)
	first, second := dial(t, s.address), dial(t, s.address)
	require.Equal(t, 200, ask(t, first, get).StatusCode)
	require.Equal(t, 200, ask(t, second, get).StatusCode)
	require.Equal(t, 429, unasked(t, dial(t, s.address)), "though others are idle: they are its own")
	require.NoError(t, first.Close())
	require.Eventually(t, func() bool {
		c := dial(t, s.address)
		defer func() { _ = c.Close() }()
		if _, err := io.WriteString(c, get); err != nil {
			return false // refused already
		}
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		return err == nil && r.StatusCode == 200
	}, within, tick, "there is room again")
}
