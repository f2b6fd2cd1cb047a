package proxy_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	upgradeRequest = "GET /v1/realtime HTTP/1.1\r\nHost: x.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
	upgradeAnswer  = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n\r\n"
)

// tunnelled is a tunnel that stands: the client's side and the endpoint's.
func tunnelled(t *testing.T, g *gateway, p *puppet) (c, up *peer) {
	t.Helper()
	c = dial(t, g)
	c.send(upgradeRequest)
	up = p.accept(t)
	r := up.request()
	require.Equal(t, "websocket", r.Header.Get("Upgrade"))
	require.Equal(t, "Upgrade", r.Header.Get("Connection"))
	up.send(upgradeAnswer)
	head := c.head()
	require.Contains(t, head, "HTTP/1.1 101 ")
	require.Contains(t, head, "Upgrade: websocket\r\n")
	require.Contains(t, head, "Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n")
	return c, up
}

// Bytes that came with the 101, and bytes the client sent before it saw it, are
// part of the conversation.
func TestFramesGluedToTheHandshake(t *testing.T) {
	overBoth(t, func(t *testing.T, s settings) {
		p := newPuppet(t)
		g := serve(t, s, p.address)
		c := dial(t, g)
		c.send(upgradeRequest + "early")
		up := asked(t, p)
		up.send(upgradeAnswer + "glued")
		c.head()
		c.expect("glued")
		up.expect("early")
		c.send("ping")
		up.expect("ping")
		up.send("pong")
		c.expect("pong")
		require.EqualValues(t, 1, g.inFlight(), "a tunnel is in flight")
		_, _, tunnels := g.front.States()
		require.Equal(t, 1, tunnels)
	})
}

// Either side ends a tunnel in its own way; the other side sees it.
func TestTunnelEnds(t *testing.T) {
	for name, end := range map[string]func(c, up *peer){
		"client closes":        func(c, up *peer) { c.close(); up.ends(); up.close() },
		"client resets":        func(c, _ *peer) { c.reset() },
		"endpoint closes":      func(c, up *peer) { up.close(); c.ends(); c.close() },
		"endpoint resets":      func(_, up *peer) { up.reset() },
		"client half-closes":   func(c, up *peer) { c.halfClose(); up.ends(); up.send("bye"); c.expect("bye"); up.close() },
		"endpoint half-closes": func(c, up *peer) { up.halfClose(); c.ends(); c.send("bye"); up.expect("bye"); c.close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPuppet(t)
			g := serve(t, defaults(), p.address)
			c, up := tunnelled(t, g, p)
			end(c, up)
			e := g.ending(t)
			require.Equal(t, 101, e.status)
			require.Zero(t, g.blamed())
			up.ends()
		})
	}
}

// A side that takes no notice of the other's end keeps the tunnel for a moment only.
func TestTunnelOutlivesNoSideForLong(t *testing.T) {
	for name, leave := range map[string]func(c, up *peer){
		"client":   func(c, _ *peer) { c.close() },
		"endpoint": func(_, up *peer) { up.close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := defaults()
			s.generation.UpgradeIdle = 0
			p := newPuppet(t)
			g := serve(t, s, p.address)
			c, up := tunnelled(t, g, p)
			leave(c, up)
			g.ending(t)
		})
	}
}

func TestSilentTunnelEnds(t *testing.T) {
	t.Parallel()
	s := defaults()
	s.generation.UpgradeIdle = 20 * soon
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c, up := tunnelled(t, g, p)
	for range 12 { // one direction is enough to keep it open, and for longer than the limit
		passes(2 * soon)
		up.send("x")
		c.expect("x")
	}
	c.ends()
	up.ends()
	require.Equal(t, 101, g.ending(t).status)
}

// A 101 that nobody asked for, or of a protocol that was not asked for, opens nothing.
func TestUnaskedSwitchIsRefused(t *testing.T) {
	for name, request := range map[string]string{
		"no upgrade":       get,
		"another protocol": "GET / HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: mqtt\r\n\r\n",
		"not named":        "GET / HTTP/1.1\r\nHost: x.test\r\nUpgrade: websocket\r\n\r\n",
		"with a body":      "POST / HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx",
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, defaults(), p.address)
			c := dial(t, g)
			c.send(request)
			up := p.accept(t)
			up.requestWhole()
			up.send(upgradeAnswer + "smuggled")
			r, body := c.answer()
			require.Equal(t, 502, r.StatusCode)
			require.Contains(t, body, "bad_answer")
			up.ends()
		})
	}
}

// An answer other than 101 to an upgrade is an answer like any other.
func TestRefusedUpgradeIsAnAnswer(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	c := dial(t, g)
	c.send(upgradeRequest)
	up := asked(t, p)
	up.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
	r, body := c.answer()
	require.Equal(t, 403, r.StatusCode)
	require.Equal(t, "no", body)
	c.send(get) // the connection goes on
	up.request()
	up.send(plain("yes"))
	_, body = c.answer()
	require.Equal(t, "yes", body)
}

// Shutdown waits for tunnels as long as it may, and then ends them.
func TestTunnelAtShutdown(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	c, up := tunnelled(t, g, p)
	limit, end := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.front.Shutdown(limit) }()
	refused := func() bool { return g.refuses(t) }
	eventually(t, "the listener to be closed", refused)
	c.send("still")
	up.expect("still")
	end()
	c.ends()
	up.ends()
	require.ErrorIs(t, <-done, context.Canceled)
	e := g.ending(t)
	require.Equal(t, 101, e.status)
	require.Contains(t, e.failure, "shutting_down")
	require.Zero(t, g.blamed())
}

// So it does for streams: they finish if they can, and are cut if they cannot.
func TestStreamAtShutdown(t *testing.T) {
	for _, finishes := range []bool{true, false} {
		p := newPuppet(t)
		g := serve(t, defaults(), p.address)
		c, up := begin(t, g, p, streamHead+chunk("data: 1\n\n"))
		c.head()
		c.expect(chunk("data: 1\n\n"))
		limit, end := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- g.front.Shutdown(limit) }()
		eventually(t, "the listener to be closed", func() bool { return g.refuses(t) })
		up.send(chunk("data: 2\n\n"))
		c.expect(chunk("data: 2\n\n"))
		if finishes {
			up.send("0\r\n\r\n")
			c.expect("0\r\n\r\n")
			c.ends()
			require.NoError(t, <-done)
			require.Equal(t, 200, g.ending(t).status)
		}
		end()
		if !finishes {
			rest, _ := c.rest()
			require.NotContains(t, rest, "0\r\n\r\n")
			up.ends()
			require.ErrorIs(t, <-done, context.Canceled)
			require.Contains(t, g.ending(t).failure, "shutting_down")
		}
		require.Zero(t, g.blamed())
	}
}
