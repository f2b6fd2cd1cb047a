package proxy_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// leavings are the ways in which a client goes.
var leavings = map[string]func(*peer){
	"close": (*peer).close, "reset": (*peer).reset, "half-close": (*peer).halfClose,
	"close behind pipelined bytes": func(p *peer) { p.send(get + get); p.close() },
}

// phases are the moments at which it goes: each brings an exchange there and
// returns the endpoint's side of it.
var phases = map[string]struct {
	phase string
	reach func(t *testing.T, client *peer, p *puppet) *peer
}{
	"waiting for the first byte": {"first_byte", func(t *testing.T, client *peer, p *puppet) *peer {
		client.send(get)
		up := p.accept(t)
		up.request()
		return up
	}},
	"silent stream": {"stream", func(t *testing.T, client *peer, p *puppet) *peer {
		client.send(get)
		up := p.accept(t)
		up.request()
		up.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		client.head()
		client.expect("5\r\nhello\r\n")
		return up
	}},
	"half an answer of known length": {"stream", func(t *testing.T, client *peer, p *puppet) *peer {
		client.send(post("{}"))
		up := p.accept(t)
		up.requestWhole()
		up.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		client.head()
		client.expect("hello")
		return up
	}},
}

func TestClientLeaves(t *testing.T) {
	for how, leave := range leavings {
		for where, phase := range phases {
			for _, over := range []string{"plain", "TLS"} {
				t.Run(fmt.Sprintf("%s, %s, %s", how, where, over), func(t *testing.T) {
					t.Parallel()
					s := defaults()
					if over == "TLS" {
						s.tls, _ = pair()
					}
					p := newPuppet(t)
					g := serve(t, s, p.address)
					client := dial(t, g)
					up := phase.reach(t, client, p)
					require.EqualValues(t, 1, g.inFlight())
					leave(client)
					up.ends()
					require.Equal(t, 499, g.endings(t, 1)[0].status)
					require.Equal(t, 1, g.count(t, "steelyard_cancellations_total", "phase", phase.phase))
					require.Zero(t, g.blamed())
				})
			}
		}
	}
}

func TestClientLeavesWhileConnecting(t *testing.T) {
	g := serve(t, defaults(), deaf(t))
	client := dial(t, g)
	client.send(get)
	eventually(t, "the request to be in flight", func() bool { return g.inFlight() == 1 })
	client.close()
	require.Equal(t, 499, g.ending(t).status)
	require.Equal(t, 1, g.count(t, "steelyard_cancellations_total", "phase", "connect"))
	require.Zero(t, g.blamed())
}

func TestClientLeavesInAnUpload(t *testing.T) {
	s := defaults()
	s.generation.ReplayBytes = 1 << 10
	p := newPuppet(t)
	g := serve(t, s, p.address)
	client := dial(t, g)
	client.send("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 5000))
	up := p.accept(t)
	r := up.request()
	_, err := io.ReadFull(r.Body, make([]byte, 5000))
	require.NoError(t, err)
	client.close()
	rest, err := io.ReadAll(r.Body)
	require.Error(t, err, "the endpoint must not take %d bytes for a whole body", 5000+len(rest))
	require.Equal(t, 499, g.ending(t).status)
	require.Zero(t, g.blamed())
}

func TestClientLeavesATunnel(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client := dial(t, g)
	client.send("GET /rt HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	up := p.accept(t)
	up.request()
	up.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nglued")
	client.head()
	client.expect("glued")
	client.send("early")
	up.expect("early")
	require.EqualValues(t, 1, g.inFlight())
	client.reset()
	up.ends()
	require.Equal(t, 101, g.ending(t).status)
}
