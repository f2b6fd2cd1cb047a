package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// Each deadline that strikes before the answer has a status and a code of its own.
func TestDeadlinesBeforeTheAnswer(t *testing.T) {
	const half = "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 5\r\n\r\nhe"
	streamed := func(s *settings) { s.generation.ReplayBytes = 0 }
	for name, c := range map[string]struct {
		set     func(*settings)
		request string
		asked   bool // the endpoint gets the request
		status  int
		code    string
		class   balancer.OutcomeClass
	}{
		"first byte":         {func(s *settings) { s.upstream.FirstByte = soon }, get, true, 504, "first_byte_timeout", balancer.TimedOut},
		"total":              {func(s *settings) { s.upstream.Total = 20 * soon }, get, true, 504, "total_timeout", balancer.TimedOut},
		"body, held":         {func(s *settings) { s.front.Body = soon }, half, false, 408, "body_timeout", 0},
		"body, streamed":     {func(s *settings) { streamed(s); s.front.Body = 20 * soon }, half, true, 408, "body_timeout", balancer.Refused},
		"total in the body":  {func(s *settings) { s.upstream.Total, s.front.Body = soon, 0 }, half, false, 504, "total_timeout", 0},
		"total in an upload": {func(s *settings) { streamed(s); s.upstream.Total, s.front.Body = 20*soon, 0 }, half, true, 504, "total_timeout", balancer.Refused},
		"total, and the upload is not read": {func(s *settings) { streamed(s); s.upstream.Total = 20 * soon },
			"POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 33554432\r\n\r\n" + strings.Repeat("x", 32<<20), true, 504, "total_timeout", balancer.TimedOut},
		"upload that is not read": {func(s *settings) { streamed(s); s.upstream.Idle = 4 * soon },
			"POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 33554432\r\n\r\n" + strings.Repeat("x", 32<<20), true, 504, "idle_timeout", balancer.TimedOut},
		"held body that is not read": {func(s *settings) { s.generation.ReplayBytes = 64 << 20; s.upstream.Idle = 4 * soon },
			"POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 33554432\r\n\r\n" + strings.Repeat("x", 32<<20), true, 504, "idle_timeout", balancer.TimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := defaults()
			c.set(&s)
			p := newPuppet(t)
			g := serve(t, s, p.address)
			client := beginning(t, g, c.request)
			if c.asked {
				asked(t, p)
			}
			r, body := client.answer()
			require.Equal(t, c.status, r.StatusCode)
			require.Contains(t, body, `"code":"`+c.code+`"`)
			if c.class != 0 {
				eventually(t, "the lease to be released so", func() bool { return g.finished(c.class) == 1 })
			}
			require.Equal(t, c.class == balancer.TimedOut, strings.Contains(body, "endpoint a"), body)
			require.Equal(t, c.class == balancer.TimedOut, strings.Contains(body, `"type":"upstream_error"`), body)
			require.Equal(t, c.code == "total_timeout" && c.class != balancer.TimedOut, strings.Contains(body, "the request's body had not come to its end"), body)
			require.True(t, p.idle(), "a time-out is not repeated")
			require.Equal(t, c.status, g.ending(t).status)
		})
	}
}

// beginning sends a request, or the beginning of one, while the answer is waited for.
func beginning(t *testing.T, g *gateway, request string) *peer {
	t.Helper()
	client := dial(t, g)
	sent := make(chan struct{})
	go func() { defer close(sent); _, _ = io.WriteString(client.Conn, request) }()
	t.Cleanup(func() { client.close(); <-sent })
	return client
}

// A head has its time from its first byte on. Whoever has not sent one by then is closed
// without a word: on a busy machine the test may be that late, and tries again.
func TestHeaderTimeout(t *testing.T) {
	t.Parallel()
	s := defaults()
	s.front.Header = soon
	g := serve(t, s, newPuppet(t).address)
	eventually(t, "a head to be begun in time", func() bool {
		client := beginning(t, g, "GET / HT")
		if _, err := client.br.Peek(1); err != nil {
			return false
		}
		r, body := client.answer()
		require.Equal(t, 408, r.StatusCode)
		require.Contains(t, body, `"code":"header_timeout"`)
		return true
	})
	require.Equal(t, 408, g.ending(t).status)
}

func TestConnectTimeout(t *testing.T) {
	s := defaults()
	s.connections.Connect = 20 * soon // which is as long as the one that listens may take
	for name, c := range map[string]struct {
		endpoints []string
		status    int
	}{
		"nowhere else to go": {[]string{deaf(t)}, 504},
		"somewhere":          {[]string{deaf(t), answering(t, plain("b"))}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, s, c.endpoints...)
			r, body := dial(t, g).ask(get)
			require.Equal(t, c.status, r.StatusCode)
			require.Equal(t, c.status == 504, strings.Contains(body, `"code":"connect_timeout"`))
		})
	}
}

// The limit covers the endpoint's TLS handshake.
func TestConnectTimeoutInTheHandshake(t *testing.T) {
	s := defaults()
	s.connections.Connect = soon
	_, s.connections.TLS = pair()
	p := newPuppet(t)
	g := serve(t, s, p.address)
	r, body := dial(t, g).ask(get)
	require.Equal(t, 504, r.StatusCode)
	require.Contains(t, body, "connect_timeout")
	p.accept(t).ends()
}

// After the commit a deadline cuts the stream, and says so where it can.
func TestDeadlinesInAStream(t *testing.T) {
	for code, set := range map[string]func(*settings){
		"idle_timeout":  func(s *settings) { s.upstream.Idle = soon },
		"total_timeout": func(s *settings) { s.upstream.Total = 20 * soon },
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := defaults()
			set(&s)
			p := newPuppet(t)
			g := serve(t, s, p.address)
			c, up := begin(t, g, p, streamHead+chunk("data: 1\n\n"))
			c.head()
			c.expect(chunk("data: 1\n\n"))
			rest, _ := c.rest()
			require.Contains(t, rest, `"code":"`+code+`"`)
			require.NotContains(t, rest, "\r\n0\r\n", "a cut stream has no last chunk")
			up.ends()
			e := g.ending(t)
			require.Equal(t, 200, e.status, "what the client got")
			require.Contains(t, e.failure, code)
			require.EqualValues(t, 1, g.finished(balancer.TimedOut))
			require.Equal(t, 1, g.count(t, "steelyard_truncated_answers_total"))
		})
	}
}

// A client that has not sent all of its body is answered already: the cut is no endpoint's.
func TestTotalTimeoutInAnUploadBehindAnAnswer(t *testing.T) {
	t.Parallel()
	s := streaming()
	s.upstream.Total = 20 * soon
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c, up := answeredEarly(t, g, p)
	rest, _ := c.rest()
	require.Contains(t, rest, `"type":"server_error"`)
	require.Contains(t, rest, `"code":"total_timeout"`)
	require.NotContains(t, rest, "\r\n0\r\n", "a cut stream has no last chunk")
	up.ends()
	e := g.ending(t)
	require.Equal(t, 200, e.status, "what the client got")
	require.Equal(t, "total_timeout", e.failure)
	require.Zero(t, g.blamed())
	require.Zero(t, g.count(t, "steelyard_truncated_answers_total"))
}

// A client that takes nothing stops the endpoint, and is given up in the end.
func TestClientStall(t *testing.T) {
	overBoth(t, func(t *testing.T, s settings) {
		t.Parallel()
		s.front.ClientStall = 4 * soon
		p := newPuppet(t)
		g := serve(t, s, p.address)
		c, up := askedSlowly(t, g, p, 4<<10)
		up.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
		for err, piece := error(nil), make([]byte, 64<<10); err == nil; {
			_, err = up.Write(piece)
		}
		e := g.ending(t)
		require.Equal(t, 499, e.status)
		require.Contains(t, e.failure, "client_stalled")
		require.Zero(t, g.blamed())
		require.Equal(t, 1, g.count(t, "steelyard_cancellations_total", "phase", "stream"))
		c.reset()
	})
}

// A connection on which no request has begun ends without a word.
func TestIdleClientsAreClosed(t *testing.T) {
	s := defaults()
	s.front.IdleClient = soon
	g := serve(t, s, answering(t, plain("hello")))
	c := dial(t, g)
	r, _ := c.ask(get)
	require.Equal(t, http.StatusOK, r.StatusCode)
	rest, err := c.rest()
	require.NoError(t, err)
	require.Empty(t, rest)
}
