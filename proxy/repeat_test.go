package proxy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnreachableEndpointIsPassedOver(t *testing.T) {
	g := serve(t, defaults(), refusing(t), answering(t, plain("b")))
	for range 6 {
		r, body := dial(t, g).ask(post("{}"))
		require.Equal(t, 200, r.StatusCode)
		require.Equal(t, "b", body)
	}
	require.Positive(t, g.count(t, "steelyard_repeats_total", "reason", "connect", "endpoint", "a"))
}

func TestAllEndpointsUnreachable(t *testing.T) {
	g := serve(t, defaults(), refusing(t), refusing(t), refusing(t))
	r, body := dial(t, g).ask(get)
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, "connection refused")
	require.Equal(t, 1, g.count(t, "steelyard_repeats_total"), "one repeat per request")
}

// warmUp leaves one idle connection to the endpoint.
func warmUp(t *testing.T, g *gateway, p *puppet) *peer {
	client := dial(t, g)
	client.send(get)
	up := p.accept(t)
	up.request()
	up.send(plain("1"))
	client.answer()
	eventually(t, "an idle connection", func() bool { idle, _ := g.targets[0].Conns.Connections(); return idle == 1 })
	return up
}

// A connection that died idle is seen before anything is written on it.
func TestPostAfterTheIdleConnectionDied(t *testing.T) {
	for name, kill := range map[string]func(*peer){
		"FIN": (*peer).halfClose, "RST": (*peer).reset,
		"unasked bytes": func(p *peer) { p.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPuppet(t)
			g := serve(t, defaults(), p.address)
			kill(warmUp(t, g, p))
			client := dial(t, g)
			client.send(post("hello"))
			up := p.accept(t)
			_, body := up.requestWhole()
			require.Equal(t, "hello", body)
			up.send(plain("2"))
			_, answer := client.answer()
			require.Equal(t, "2", answer)
			require.Equal(t, 1, g.count(t, "steelyard_upstream_connections_stale_total"))
		})
	}
}

// One that dies under the request is resent once, on a fresh connection, with
// the same id.
func TestStaleConnectionIsResentOnce(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	up := warmUp(t, g, p)
	client := dial(t, g)
	client.send(post("hello"))
	first := up.request()
	up.reset()
	second := p.accept(t)
	r, body := second.requestWhole()
	require.Equal(t, "hello", body)
	require.Equal(t, first.Header.Get("X-Request-Id"), r.Header.Get("X-Request-Id"))
	second.reset()
	answer, text := client.answer()
	require.Equal(t, 502, answer.StatusCode, "a fresh connection that breaks is not repeated")
	require.Contains(t, text, "closed_before_answer")
	require.True(t, p.idle(), "no third attempt")
}

func TestFreshConnectionThatBreaksIsNotRepeated(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client := dial(t, g)
	client.send(post("hello"))
	up := p.accept(t)
	up.requestWhole()
	up.close()
	r, _ := client.answer()
	require.Equal(t, 502, r.StatusCode)
	require.True(t, p.idle())
}

// A connection with bytes left over is never used again.
func TestExtraBytesNeverReachTheNextRequest(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	client := dial(t, g)
	client.send(get)
	up := p.accept(t)
	up.request()
	up.send(plain("1") + plain("poison"))
	_, body := client.answer()
	require.Equal(t, "1", body)
	client.send(get)
	fresh := p.accept(t)
	fresh.request()
	fresh.send(plain("2"))
	_, body = client.answer()
	require.Equal(t, "2", body)
}
