package front_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// shutDown begins a shutdown that nothing limits but the test.
func shutDown(s *server) (ended chan error, cut context.CancelFunc) {
	ctx, cut := context.WithCancel(context.Background())
	ended = make(chan error, 1)
	go func() { ended <- s.Shutdown(ctx) }()
	return ended, cut
}

// A connection without a request is closed at once, whatever it has said so far;
// one with a request is answered, and told that it is the last.
func TestShutdownLetsExchangesFinish(t *testing.T) {
	handler, exchanges := holding(t)
	s := serve(t, front.Options{Handler: handler}, nil, nil)
	silent, used, active := dial(t, s.address), dial(t, s.address), dial(t, s.address)
	_, err := io.WriteString(used, get)
	require.NoError(t, err)
	close((<-exchanges).release)
	_, err = http.ReadResponse(bufio.NewReader(used), nil)
	require.NoError(t, err)
	_, err = io.WriteString(active, get+get)
	require.NoError(t, err)
	h := <-exchanges

	ended, cut := shutDown(s)
	defer cut()
	closes(t, silent)
	closes(t, used)
	require.Empty(t, ended, "one exchange is still open")
	require.False(t, h.Gone())
	close(h.release)
	reader := bufio.NewReader(active)
	r, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.Equal(t, 200, r.StatusCode)
	require.True(t, r.Close)
	_, err = io.Copy(io.Discard, r.Body)
	require.NoError(t, err)
	_, err = reader.ReadByte()
	require.ErrorIs(t, err, io.EOF, "what was pipelined behind is not served")
	require.NoError(t, active.Close())
	require.NoError(t, happens(t, ended))
	require.Empty(t, exchanges)
	_, err = net.Dial("tcp", s.address)
	require.Error(t, err, "nobody listens any more")
}

func TestShutdownCutsWhatIsLeft(t *testing.T) {
	handler, exchanges := holding(t)
	s := serve(t, front.Options{Handler: handler}, nil, nil)
	c := dial(t, s.address)
	_, err := io.WriteString(c, get)
	require.NoError(t, err)
	h := <-exchanges
	ended, cut := shutDown(s)
	cut()
	happens(t, h.gone)
	require.True(t, h.Cut())
	require.Eventually(t, h.Poked, within, time.Millisecond)
	require.Empty(t, ended, "the exchange has not been given up yet")
	close(h.release)
	require.ErrorIs(t, happens(t, ended), context.Canceled)
	require.Empty(t, rest(t, c))
}

// A client that has begun no handshake, and one that is stuck in the middle of
// it, hold nothing up.
func TestShutdownDuringHandshake(t *testing.T) {
	s := serve(t, front.Options{Handler: hello}, certificate(t, t.TempDir(), "one"), nil)
	silent, stuck := dial(t, s.address), dial(t, s.address)
	_, err := stuck.Write([]byte{22, 3, 1, 2, 0}) // the head of a record, and no more
	require.NoError(t, err)
	require.Eventually(t, func() bool { idle, _, _ := s.States(); return idle == 2 }, within, time.Millisecond)
	ended, cut := shutDown(s)
	defer cut()
	closes(t, silent)
	closes(t, stuck)
	require.NoError(t, happens(t, ended))
}

func TestStates(t *testing.T) {
	tunnel := make(chan struct{})
	handler, exchanges := holding(t)
	s := serve(t, front.Options{Handler: func(c *front.Conn) {
		if string(c.Request.Path) == "/tunnel" {
			c.Tunnel()
			<-tunnel
			c.Abort(false)
			return
		}
		handler(c)
	}}, nil, nil)
	states := func(idle, active, tunnels int) {
		t.Helper()
		require.Eventually(t, func() bool {
			i, a, n := s.States()
			return i == idle && a == active && n == tunnels
		}, within, time.Millisecond)
	}
	states(0, 0, 0)
	c := dial(t, s.address)
	states(1, 0, 0)
	_, err := io.WriteString(c, get)
	require.NoError(t, err)
	h := <-exchanges
	states(0, 1, 0)
	close(h.release)
	states(1, 0, 0)
	_, err = io.WriteString(c, "GET /tunnel HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	states(0, 0, 1)
	close(tunnel)
	states(0, 0, 0)
}

// A client that goes on sending after its answer does not hold a shutdown up for
// as long as it would be listened to otherwise.
func TestShutdownWhileLingering(t *testing.T) {
	s := serve(t, front.Options{Handler: func(c *front.Conn) { answer(c, 413, c.KeepAlive(true)) }}, nil, nil)
	c := dial(t, s.address)
	_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
	require.NoError(t, err)
	stopped := make(chan struct{})
	defer func() { <-stopped }()
	go func() {
		defer close(stopped)
		tick := time.NewTicker(brief)
		defer tick.Stop()
		for err := error(nil); err == nil; <-tick.C {
			_, err = c.Write([]byte("x"))
		}
	}()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.Equal(t, 413, r.StatusCode)
	ended, cut := shutDown(s)
	defer cut()
	require.NoError(t, happens(t, ended))
}

// What was sent before the client could know of the shutdown is served, though the answer
// before it had promised more of the kind.
func TestShutdownServesWhatHasCome(t *testing.T) {
	promised, release := make(chan struct{}, 2), make(chan struct{})
	s := serve(t, front.Options{Handler: func(c *front.Conn) {
		keep := c.KeepAlive(true)
		promised <- struct{}{}
		<-release
		answer(c, 200, keep)
	}}, nil, nil)
	c := dial(t, s.address)
	_, err := io.WriteString(c, get+get)
	require.NoError(t, err)
	<-promised
	ended, cut := shutDown(s)
	defer cut()
	require.Eventually(t, func() bool { // the listeners are closed after it has begun
		c, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, within, time.Millisecond)
	close(release)
	reader := bufio.NewReader(c)
	for _, last := range []bool{false, true} {
		r, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		require.Equal(t, last, r.Close)
		_, err = io.Copy(io.Discard, r.Body)
		require.NoError(t, err)
	}
	_, err = reader.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, c.Close())
	require.NoError(t, happens(t, ended))
}

// Clients that send one request after the other see the end of the connection, and no reset.
func TestShutdownResetsNobody(t *testing.T) {
	for kind, over := range map[string]*tls.Config{"plain": nil, "TLS": certificate(t, t.TempDir(), "one")} {
		t.Run(kind, func(t *testing.T) {
			s := serve(t, front.Options{Handler: hello}, over, nil)
			const clients = 50
			var busy, all sync.WaitGroup
			busy.Add(clients)
			for range clients {
				c := secure(dial(t, s.address), over)
				all.Go(func() {
					defer c.Close()
					reader := bufio.NewReader(c)
					for i := 0; ; i++ {
						if _, err := io.WriteString(c, get); err != nil {
							break // the end of the connection is read below
						}
						r, err := http.ReadResponse(reader, nil)
						if err != nil {
							break
						}
						_, err = io.Copy(io.Discard, r.Body)
						assert.NoError(t, err, "an answer that began is whole")
						if i == 3 {
							busy.Done()
						}
					}
					_, err := io.Copy(io.Discard, reader)
					assert.NoError(t, err)
				})
			}
			busy.Wait()
			ended, cut := shutDown(s)
			defer cut()
			all.Wait()
			require.NoError(t, happens(t, ended))
		})
	}
}
