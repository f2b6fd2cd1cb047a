package proxy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each deadline answers with its own status and code.
func TestDeadlines(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*settings)
		play   func(t *testing.T, p *puppet)
		status int
		code   string
	}{
		"first byte": {func(s *settings) { s.upstream.FirstByte = soon }, func(t *testing.T, p *puppet) { p.accept(t).request() }, 504, "first_byte_timeout"},
		"total":      {func(s *settings) { s.upstream.Total = soon }, func(t *testing.T, p *puppet) { p.accept(t).request() }, 504, "total_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			c.set(&s)
			p := newPuppet(t)
			g := serve(t, s, p.address)
			client := dial(t, g)
			client.send(get)
			c.play(t, p)
			r, body := client.answer()
			require.Equal(t, c.status, r.StatusCode)
			require.Contains(t, body, c.code)
			require.Contains(t, body, "endpoint a")
		})
	}
}

func TestConnectTimeout(t *testing.T) {
	s := defaults()
	s.connections.Connect = soon
	g := serve(t, s, deaf(t))
	r, body := dial(t, g).ask(get)
	require.Equal(t, 504, r.StatusCode)
	require.Contains(t, body, "connect_timeout")
}

func TestIdleTimeoutCutsTheStream(t *testing.T) {
	s := defaults()
	s.upstream.Idle = soon
	p := newPuppet(t)
	g := serve(t, s, p.address)
	client := dial(t, g)
	client.send(get)
	up := p.accept(t)
	up.request()
	up.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
	client.head()
	client.expect("9\r\ndata: 1\n\n\r\n")
	rest, _ := client.rest()
	require.Contains(t, rest, `"code":"idle_timeout"`)
	require.NotContains(t, rest, "\r\n0\r\n", "a cut stream has no last chunk")
	up.ends()
	require.Equal(t, 1, g.count(t, "steelyard_truncated_answers_total"))
}

// A client that takes nothing stops the endpoint, and is given up in the end.
func TestClientStall(t *testing.T) {
	s := defaults()
	s.front.ClientStall = soon
	p := newPuppet(t)
	g := serve(t, s, p.address)
	client := dial(t, g)
	require.NoError(t, client.tcp().SetReadBuffer(4<<10))
	client.send(get)
	up := p.accept(t)
	up.request()
	up.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
	piece, sent := make([]byte, 64<<10), 0
	for {
		n, err := up.Write(piece)
		if sent += n; err != nil {
			break
		}
	}
	require.Less(t, sent, 100<<20, "what the client does not take must not pile up")
	require.Equal(t, 499, g.ending(t).status)
	require.Zero(t, g.blamed())
}
