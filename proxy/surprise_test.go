package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// These pin what other proxies, and servers built on fasthttp, have been caught
// doing. The rest of that list has tests of its own: answers and uploads cut at
// a chunk boundary, early answers, stale connections, tunnels, panics.

// refusesBeforeTheEndpoint checks that a request is refused and that nothing of
// it, nor of what is pipelined behind it, reaches the endpoint.
func refusesBeforeTheEndpoint(t *testing.T, request string, status int, code string) {
	t.Helper()
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	c := dial(t, g)
	c.send(request + "GET /smuggled HTTP/1.1\r\nHost: x.test\r\n\r\n")
	r, body := c.answer()
	require.Equal(t, status, r.StatusCode)
	require.Contains(t, body, `"code":"`+code+`"`)
	require.True(t, r.Close, "what follows is not understood any more")
	c.ends()
	require.Len(t, g.endings(t, 1), 1, "the second request is not served")
	require.True(t, p.idle())
	require.Zero(t, g.count(t, "steelyard_upstream_connections_opened_total"))
}

func TestAbsoluteFormOfAnotherHost(t *testing.T) {
	refusesBeforeTheEndpoint(t, "GET http://evil.test/ HTTP/1.1\r\nHost: x.test\r\n\r\n", 400, "host_mismatch")
}

func TestSpaceInFieldName(t *testing.T) {
	refusesBeforeTheEndpoint(t, "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length : 5\r\n\r\nhello", 400, "bad_field_name")
}

func TestUnknownVersion(t *testing.T) {
	refusesBeforeTheEndpoint(t, "GET / HTTP/9.9\r\nHost: x.test\r\n\r\n", 505, "version_not_supported")
}

func TestBlankLineOfABareLF(t *testing.T) {
	refusesBeforeTheEndpoint(t, "GET / HTTP/1.1\r\nHost: x.test\r\n\n", 400, "bad_line_end")
}

// The body is the endpoint's to understand: of two models it gets both.
func TestDuplicateModelKeyGoesThroughUntouched(t *testing.T) {
	const body = `{"model":"small", "model":"large","messages":[]}`
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	c := dial(t, g)
	c.send(post(body))
	up := p.accept(t)
	_, got := up.requestWhole()
	require.Equal(t, body, got)
	up.send(plain("ok"))
	c.answer()
}

// A deadline that was armed for one answer must not strike in the next, on
// either side of the gateway.
func TestNoDeadlineIsLeftOver(t *testing.T) {
	t.Parallel()
	const limit = 20 * soon
	s := defaults()
	s.front.ClientStall, s.front.Body, s.upstream.Idle = limit, limit, limit
	s.upstream.FirstByte = 0
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c := dial(t, g)
	c.send(post("hello"))
	up := p.accept(t)
	for i := range 3 {
		up.requestWhole()
		passes(limit + soon) // longer than each limit: none applies to an endpoint that thinks
		up.send(streamHead + chunk("1"))
		c.head()
		c.expect(chunk("1"))
		up.send("0\r\n\r\n")
		c.expect("0\r\n\r\n")
		if i < 2 {
			passes(limit + soon) // nor to a client that does
			c.send(post("hello"))
		}
	}
	require.Equal(t, 1, g.count(t, "steelyard_upstream_connections_opened_total"), "one connection served all")
}

// Timers that are armed at most once per limit must still strike on time.
func TestDeadlinesAreArmedAnew(t *testing.T) {
	t.Parallel()
	s := defaults()
	s.upstream.Idle = 20 * soon
	p := newPuppet(t)
	g := serve(t, s, p.address)
	c, up := begin(t, g, p, streamHead)
	c.head()
	for range 12 { // longer than the limit in all, with no gap as long as it
		up.send(chunk("data: 1\n\n"))
		c.expect(chunk("data: 1\n\n"))
		passes(2 * soon)
	}
	began := time.Now()
	rest, _ := c.rest()
	require.Contains(t, rest, "idle_timeout")
	t.Logf("cut %v after the last piece", time.Since(began))
}

// Fields that fasthttp merges, reorders or rewrites arrive as they were sent.
func TestFieldsArriveAsTheyWereSent(t *testing.T) {
	p := newPuppet(t)
	g := serve(t, defaults(), p.address)
	c := dial(t, g)
	c.send("GET /a%2Fb?q=%20 HTTP/1.1\r\nHost: x.test\r\nCookie: a=1\r\nCookie: b=2\r\nX-Odd: first\r\nX-odd: second\r\nX-Empty:\r\n\r\n")
	up := p.accept(t)
	head := up.head()
	require.True(t, strings.HasPrefix(head, "GET /a%2Fb?q=%20 HTTP/1.1\r\n"), head)
	for _, line := range []string{"Cookie: a=1\r\nCookie: b=2\r\n", "X-Odd: first\r\nX-odd: second\r\n", "X-Empty: \r\n"} {
		require.Contains(t, head, line)
	}
	up.send("HTTP/1.1 200 Fine By Me\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\nServer: vllm\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n")
	answer := c.head()
	require.True(t, strings.HasPrefix(answer, "HTTP/1.1 200 Fine By Me\r\n"), answer)
	for _, line := range []string{"Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n", "Server: vllm\r\n", "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"} {
		require.Contains(t, answer, line)
	}
	require.Equal(t, 1, strings.Count(answer, "Date:"))
}
