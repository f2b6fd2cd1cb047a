package proxy_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// departures are the ways in which clients leave.
var departures = []struct {
	name  string
	leave func(*peer)
}{
	{"close", (*peer).close},
	{"reset", (*peer).reset},
	{"half-close", (*peer).halfClose},
}

// stage is one phase of an exchange. bring takes an exchange into it, over a
// connection c to the gateway and an endpoint p that the test plays, and returns
// the endpoint's side. behind is a second request, to be sent right after the first.
type stage struct {
	name, phase string // phase is what the metrics call it
	bring       func(t *testing.T, g *gateway, c *peer, p *puppet, behind string) *peer
}

// asked is an endpoint's connection on which a request has arrived.
func asked(t *testing.T, p *puppet) *peer {
	t.Helper()
	up := p.accept(t)
	up.request()
	return up
}

var stages = []stage{
	{"waiting for the first byte", "first_byte", func(t *testing.T, _ *gateway, c *peer, p *puppet, behind string) *peer {
		c.send(get + behind)
		return asked(t, p)
	}},
	{"waiting behind a 103", "first_byte", func(t *testing.T, _ *gateway, c *peer, p *puppet, behind string) *peer {
		c.send(get + behind)
		up := asked(t, p)
		up.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
		require.Contains(t, c.head(), "103")
		return up
	}},
	{"silent stream", "stream", func(t *testing.T, _ *gateway, c *peer, p *puppet, behind string) *peer {
		c.send(get + behind)
		up := asked(t, p)
		up.send(streamHead + chunk("hello"))
		c.head()
		c.expect(chunk("hello"))
		return up
	}},
	{"busy stream", "stream", func(t *testing.T, _ *gateway, c *peer, p *puppet, behind string) *peer {
		c.send(get + behind)
		up := asked(t, p)
		up.send(streamHead)
		c.head()
		piece, done := chunk(strings.Repeat("x", 1024)), make(chan struct{})
		go func() {
			defer close(done)
			for err := error(nil); err == nil; {
				_, err = io.WriteString(up.Conn, piece)
			}
		}()
		t.Cleanup(func() { up.close(); <-done })
		c.expect(piece)
		return up
	}},
	{"answer of known length", "stream", func(t *testing.T, _ *gateway, c *peer, p *puppet, behind string) *peer {
		c.send(post("{}") + behind)
		up := asked(t, p)
		up.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")
		c.head()
		c.expect("hello")
		return up
	}},
	{"upload of known length", "upload", func(t *testing.T, _ *gateway, c *peer, p *puppet, _ string) *peer {
		c.send("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1048576\r\n\r\nhello")
		up := asked(t, p)
		up.expect("hello")
		return up
	}},
	{"chunked upload", "upload", func(t *testing.T, _ *gateway, c *peer, p *puppet, _ string) *peer {
		c.send("POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(strings.Repeat("x", 1<<16)))
		up := p.accept(t)
		r := up.request()
		_, err := io.CopyN(io.Discard, r.Body, 1<<16)
		require.NoError(t, err)
		return up
	}},
	{"upload that the endpoint does not read", "upload", stuckUpload},
}

// stuckUpload brings an upload to the point where no buffer between the client
// and the endpoint takes any more.
func stuckUpload(t *testing.T, g *gateway, c *peer, p *puppet, _ string) *peer {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := io.WriteString(c.Conn, "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1000000000000\r\n\r\n")
		for piece := make([]byte, 64<<10); err == nil; { // no buffer is too large to be filled
			_, err = c.Write(piece)
		}
	}()
	t.Cleanup(func() { c.reset(); <-done })
	up := asked(t, p)
	taken := -1
	eventually(t, "the upload to stop moving", func() bool {
		was := taken
		taken = g.count(t, "steelyard_bytes_total", "peer", "upstream", "direction", "sent")
		passes(soon)
		return taken == was
	})
	return up
}

// Clients leave in every way in every phase: the endpoint's connection is
// closed, the exchange ends as 499 and is held against nobody.
func TestClientLeaves(t *testing.T) {
	for _, over := range []string{"plain", "TLS"} {
		for _, behind := range []string{"", get} {
			for _, d := range departures {
				for _, s := range stages {
					name := s.name + "/" + d.name + "/" + over
					if behind != "" {
						name += "/pipelined"
					}
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						leaves(t, s, d.leave, over == "TLS", behind)
					})
				}
			}
		}
	}
}

func leaves(t *testing.T, s stage, leave func(*peer), secure bool, behind string) {
	p := newPuppet(t)
	settings := defaults()
	settings.generation.ReplayBytes, settings.generation.BodyBytes = 1<<10, 1<<40
	if secure {
		settings.tls, _ = pair()
		if s.name == "upload that the endpoint does not read" {
			leave = (*peer).reset // the stuck writer holds the TLS connection: one can leave below it only
		}
	}
	g := serve(t, settings, p.address)
	c := dial(t, g)
	up := s.bring(t, g, c, p, behind)
	require.EqualValues(t, 1, g.inFlight())
	left := time.Now()
	leave(c)
	up.ends()
	t.Logf("the endpoint saw it after %v", time.Since(left))
	g.clientLeft(t, s.phase)
	require.EqualValues(t, 1, g.finished(balancer.ClientGone))
	require.Equal(t, 1, g.count(t, "steelyard_requests_total", "endpoint", "a", "code", "4xx"))
}

// clientLeft checks that the only exchange ended because its client left.
func (g *gateway) clientLeft(t *testing.T, phase string) {
	t.Helper()
	e := g.ending(t)
	require.Equal(t, 499, e.status, e.failure)
	require.Contains(t, e.failure, "client_gone")
	require.Zero(t, g.blamed())
	require.Zero(t, g.count(t, "steelyard_truncated_answers_total"))
	require.Zero(t, g.count(t, "steelyard_repeats_total"))
	require.Zero(t, g.count(t, "steelyard_requests_total", "code", "5xx"))
	require.Equal(t, 1, g.count(t, "steelyard_cancellations_total"))
	require.Equal(t, 1, g.count(t, "steelyard_cancellations_total", "upstream", "chat", "phase", phase), "phase %s", phase)
	require.Zero(t, g.logged.FilterMessage("request failed").Len(), "a client that leaves is no failure of ours")
}

// While the endpoint is not connected to there is no connection to close; the
// exchange ends all the same, without trying another endpoint.
func TestClientLeavesWhileConnecting(t *testing.T) {
	for _, d := range departures {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, defaults(), deaf(t))
			c := dial(t, g)
			c.send(get)
			eventually(t, "the request to be in flight", func() bool { return g.inFlight() == 1 })
			d.leave(c)
			g.clientLeft(t, "connect")
			require.EqualValues(t, 1, g.finished(balancer.ClientGone))
		})
	}
}

// The endpoint accepts the connection and never shakes hands.
func TestClientLeavesInTheEndpointsHandshake(t *testing.T) {
	for _, d := range departures {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := defaults()
			_, s.connections.TLS = pair()
			p := newPuppet(t)
			g := serve(t, s, p.address)
			c := dial(t, g)
			c.send(get)
			up := p.accept(t)
			_, err := up.br.Peek(1)
			require.NoError(t, err)
			d.leave(c)
			up.ends()
			g.clientLeft(t, "connect")
		})
	}
}

// A body that is to be held is read before any endpoint is chosen.
func TestClientLeavesInABodyThatIsHeld(t *testing.T) {
	for _, d := range departures {
		for _, framing := range []string{"Content-Length: 100000\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"} {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				p := newPuppet(t)
				g := serve(t, defaults(), p.address)
				c := dial(t, g)
				c.send("POST / HTTP/1.1\r\nHost: x.test\r\n" + framing)
				eventually(t, "the body to be held", func() bool { return g.handler.HeldBytes() > 0 })
				d.leave(c)
				g.clientLeft(t, "read")
				require.True(t, p.idle(), "the endpoint never hears of it")
			})
		}
	}
}

// A client that half-closes still gets its answer where it is said to wait.
func TestHalfClosedClientWaits(t *testing.T) {
	s := defaults()
	s.front.WaitHalf = true
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c := dial(t, g)
	c.send(get)
	up := asked(t, p)
	c.halfClose()
	up.send(streamHead + chunk("hello"))
	c.head()
	c.expect(chunk("hello"))
	up.send("0\r\n\r\n")
	c.expect("0\r\n\r\n")
	require.Equal(t, 200, g.ending(t).status)
}
