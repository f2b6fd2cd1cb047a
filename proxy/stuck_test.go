package proxy_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// overBoth runs a test over plain client connections and over TLS.
func overBoth(t *testing.T, run func(t *testing.T, s settings)) {
	for _, over := range []string{"plain", "TLS"} {
		t.Run(over, func(t *testing.T) {
			s := defaults()
			if over == "TLS" {
				s.tls, _ = pair()
			}
			run(t, s)
		})
	}
}

// askedSlowly sends a request of a client whose kernel takes few bytes before it
// reads, and returns it with the endpoint's side.
func askedSlowly(t *testing.T, g *gateway, p *puppet, bytes int) (c, up *peer) {
	t.Helper()
	c = dial(t, g)
	require.NoError(t, c.tcp().SetReadBuffer(bytes))
	c.send(get)
	return c, asked(t, p)
}

// stuckStream brings a stream to the point where the client takes nothing more
// and the exchange waits in its writing. The endpoint writes until its connection ends.
func stuckStream(t *testing.T, g *gateway, p *puppet, head string) (c, up *peer) {
	t.Helper()
	return stuckStreamOf(t, g, p, head, strings.Repeat("x", 64<<10))
}

// stuckStreamOf is stuckStream with chunks of the test's own.
func stuckStreamOf(t *testing.T, g *gateway, p *puppet, head, piece string) (c, up *peer) {
	t.Helper()
	c, up = askedSlowly(t, g, p, 64<<10)
	up.send(head)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for err := error(nil); err == nil; {
			_, err = io.WriteString(up.Conn, chunk(piece))
		}
	}()
	t.Cleanup(func() { up.close(); <-done })
	taken := -1
	eventually(t, "the stream to stop moving", func() bool {
		was := taken
		taken = g.count(t, "steelyard_bytes_total", "peer", "upstream", "direction", "received")
		passes(soon)
		return taken == was && taken > 0
	})
	return c, up
}

// A client that half-closes has left, also where it has stopped reading: the
// exchange does not wait for it to take what is being written.
func TestClientLeavesWithoutReading(t *testing.T) {
	overBoth(t, func(t *testing.T, s settings) {
		t.Parallel()
		p := newPuppet(t)
		g := serve(t, s, p.address)
		c, up := stuckStream(t, g, p, streamHead)
		c.halfClose()
		up.ends()
		g.clientLeft(t, "stream")
		require.EqualValues(t, 1, g.finished(balancer.ClientGone))
	})
}

// The total counts while a client that takes nothing holds a stream up, too. On a busy
// machine it may be over before the client holds anything up: then it has to be longer.
func TestTotalTimeoutBehindASlowClient(t *testing.T) {
	overBoth(t, func(t *testing.T, s settings) {
		t.Parallel()
		for total := 20 * soon; ; total *= 2 {
			s.upstream.Total = total
			p := newPuppet(t)
			g := serve(t, s, p.address)
			begin := time.Now()
			c, up := stuckStream(t, g, p, streamHead)
			if time.Since(begin) >= total {
				require.Less(t, total, within, "the stream did not come to a stop in time")
				continue
			}
			up.ends()
			require.Contains(t, g.ending(t).failure, "total_timeout")
			require.EqualValues(t, 1, g.finished(balancer.TimedOut))
			rest, _ := c.rest()
			require.NotContains(t, rest, "total_timeout", "an event inside of another chunk")
			require.NotContains(t, rest, "0\r\n\r\n")
			return
		}
	})
}

// One that reads is told why its stream ends, and a connection outlives a time-out
// that strikes before an answer has begun.
func TestTotalTimeoutIsTold(t *testing.T) {
	t.Parallel()
	s := defaults()
	s.upstream.Total = 20 * soon
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c := dial(t, g)
	c.send(get)
	asked(t, p)
	r, body := c.answer()
	require.Equal(t, 504, r.StatusCode)
	require.Contains(t, body, "total_timeout")
	c.send(get)
	asked(t, p).send(streamHead + chunk("data: 1\n\n"))
	rest, _ := c.rest()
	require.Contains(t, rest, `"code":"total_timeout"`)
	require.NotContains(t, rest, "0\r\n\r\n")
}
