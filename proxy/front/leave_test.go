package front_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// departures are the ways in which a client can leave.
var departures = map[string]func(t *testing.T, socket *net.TCPConn){
	"close":      func(t *testing.T, s *net.TCPConn) { require.NoError(t, s.Close()) },
	"half-close": func(t *testing.T, s *net.TCPConn) { require.NoError(t, s.CloseWrite()) },
	"reset":      reset,
}

func reset(t *testing.T, s *net.TCPConn) {
	t.Helper()
	require.NoError(t, s.SetLinger(0))
	require.NoError(t, s.Close())
}

// held is what a handler of holding works on.
type held struct {
	*front.Conn
	gone    chan struct{} // closed when the client has left
	release chan struct{} // ends the exchange, with an answer
}

// holding is a handler that reports each exchange and keeps it until released,
// or until the test is over.
func holding(t *testing.T) (func(*front.Conn), <-chan *held) {
	exchanges := make(chan *held, 8)
	return func(c *front.Conn) {
		h := &held{c, make(chan struct{}), make(chan struct{})}
		w := &front.Waiter{Gone: func() { close(h.gone) }}
		c.Arm(w)
		exchanges <- h
		select {
		case <-h.release:
		case <-t.Context().Done():
		}
		c.Disarm(w)
		answer(c, 200, c.KeepAlive(!c.Gone()))
	}, exchanges
}

// A client that leaves is noticed at once, though nobody reads its connection
// and though bytes that nobody has read lie before the end of it.
func TestLeavingIsNoticed(t *testing.T) {
	config := certificate(t, t.TempDir(), "one")
	for how, leave := range departures {
		for kind, over := range map[string]*tls.Config{"plain": nil, "TLS": config} {
			for behind, pipelined := range map[string]string{"": "", " with bytes behind": get + get} {
				t.Run(how+" "+kind+behind, func(t *testing.T) {
					t.Parallel()
					handler, exchanges := holding(t)
					s := serve(t, front.Options{Handler: handler}, over, nil)
					socket := dial(t, s.address)
					_, err := io.WriteString(secure(socket, over), get+pipelined)
					require.NoError(t, err)
					h := <-exchanges
					require.False(t, h.Gone())
					leave(t, socket.(*net.TCPConn))
					happens(t, h.gone)
					require.True(t, h.Gone())
					require.False(t, h.Cut(), "it was the client")
					close(h.release)
				})
			}
		}
	}
}

// Who asks late whether the client has left is told at once; who has stopped
// asking is not told.
func TestArmAndDisarm(t *testing.T) {
	told, disarmed, done := make(chan string, 4), make(chan struct{}), make(chan struct{})
	s := serve(t, front.Options{Handler: func(c *front.Conn) {
		defer close(done)
		early := &front.Waiter{Gone: func() { told <- "early" }}
		c.Arm(early)
		assert.True(t, c.Disarm(early))
		close(disarmed)
		signal := make(chan struct{})
		c.Arm(&front.Waiter{Gone: func() { close(signal) }})
		<-signal
		late := &front.Waiter{Gone: func() { told <- "late" }}
		c.Arm(late)
		assert.False(t, c.Disarm(late), "it has been told")
		c.Abort(false)
	}}, nil, nil)
	c := dial(t, s.address)
	_, err := io.WriteString(c, get)
	require.NoError(t, err)
	happens(t, disarmed)
	require.NoError(t, c.Close())
	happens(t, done)
	require.Equal(t, "late", happens(t, told))
	require.Empty(t, told)
}

// With WaitHalf a half-close is no departure, but a reset is.
func TestWaitHalf(t *testing.T) {
	handler, exchanges := holding(t)
	s := serve(t, front.Options{WaitHalf: true, Handler: handler}, nil, nil)
	begin := func() (*net.TCPConn, *held) {
		c := dial(t, s.address)
		_, err := io.WriteString(c, get)
		require.NoError(t, err)
		return c.(*net.TCPConn), <-exchanges
	}
	half, waits := begin()
	fence, left := begin()
	require.NoError(t, half.CloseWrite())
	reset(t, fence)
	happens(t, left.gone) // so whatever came before has been seen too
	close(left.release)
	require.False(t, waits.Gone())
	close(waits.release)
	r, err := http.ReadResponse(bufio.NewReader(half), nil)
	require.NoError(t, err, "the answer still comes")
	require.Equal(t, 200, r.StatusCode)
}

// A client that is cut by us is not taken for one that has left by itself.
func TestAbandon(t *testing.T) {
	handler, exchanges := holding(t)
	s := serve(t, front.Options{Handler: handler}, nil, nil)
	c := dial(t, s.address)
	_, err := io.WriteString(c, get)
	require.NoError(t, err)
	h := <-exchanges
	h.Abandon()
	happens(t, h.gone)
	require.True(t, h.Cut())
	close(h.release)
	require.Contains(t, rest(t, c), "Connection: close", "a last word is heard, and then the end")
}
