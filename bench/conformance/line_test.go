package conformance

import (
	"strings"
	"testing"
	"time"
)

// old is HTTP/0.9, whose answers have no status line where they are given.
func old(name, bytes string) testCase {
	c := lax(name, "RFC 9112 3", bytes, 400, 408, 505)
	c.with.header = 300 * time.Millisecond // whoever reads it as the start of a header waits for the rest
	c.want = either(rejected, requests(1))
	return c
}

func TestRequestLine(t *testing.T) {
	const ref = "RFC 9112 3"
	line9 := "GET / HTTP/1.1"
	runCases(t, []testCase{
		good("origin form", ref, get("/a/b?c=d&e"), line("GET /a/b?c=d&e HTTP/1.1"), saw("Host", "x.test")),
		bad("empty method", ref, raw(" / HTTP/1.1", "Host: x.test")),
		bad("no target", ref, raw("GET HTTP/1.1", "Host: x.test")),
		old("no version", raw("GET /", "Host: x.test")),
		bad("only a word", ref, raw("GET", "Host: x.test")),
		bad("space in target", ref, get("/a b")),
		bad("fourth part", ref, raw("GET / HTTP/1.1 x", "Host: x.test"), 400, 505),
		bad("brace in method", "RFC 9110 5.6.2", with("G{T /")),
		bad("paren in method", "RFC 9110 5.6.2", with("G(T /")),
		bad("colon in method", "RFC 9110 5.6.2", with("GET: /")),
		bad("NUL in method", "RFC 9110 5.6.2", with("G\x00T /")),
		bad("obs-text in method", "RFC 9110 5.6.2", with("G\xc9T /")),
		bad("NUL in target", ref, get("/a\x00b")),
		lax("bare CR in target", ref, get("/a\rb")),
		free("tab for a space", "RFC 9112 3, lenient parsing allowed", raw("GET\t/\tHTTP/1.1", "Host: x.test")),
		free("two spaces before target", "RFC 9112 3, lenient parsing allowed", raw("GET  / HTTP/1.1", "Host: x.test")),
		free("two spaces before version", "RFC 9112 3, lenient parsing allowed", raw("GET /  HTTP/1.1", "Host: x.test")),
		free("leading space", "RFC 9112 3, lenient parsing allowed", " "+get("/")),
		free("trailing space", "RFC 9112 3, lenient parsing allowed", raw(line9+" ", "Host: x.test")),
		good("one empty line before", "RFC 9112 2.2", "\r\n"+get("/")),
		free("three empty lines before", "RFC 9112 2.2", "\r\n\r\n\r\n"+get("/")),
		free("eight empty lines before", "RFC 9112 2.2", strings.Repeat("\r\n", 8)+get("/"), requests(1)),
		lax("nine empty lines before", "RFC 9112 2.2", strings.Repeat("\r\n", 9)+get("/")),
		lax("empty lines without end", "RFC 9112 2.2", strings.Repeat("\r\n", 50000)+get("/")),
		free("bare LF before", "RFC 9112 2.2", "\n"+get("/")),
		free("bare CR before", "RFC 9112 2.2", "\r"+get("/")),
		bad("garbage", ref, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, 505),
		bad("HTTP/2 preface", "RFC 9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505),
		bad("status line", ref, raw("HTTP/1.1 200 OK", "Host: x.test"), 400, 505),
	})
}

func TestMethods(t *testing.T) {
	const ref = "RFC 9110 9.1"
	var rows []testCase
	for _, m := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "POST", "QUERY", "PROPFIND"} {
		rows = append(rows, good(m, ref, with(m+" /m"), line(m+" /m HTTP/1.1")))
	}
	// Unknown and lower-case methods are tokens: a proxy has no reason to refuse them, though others may.
	for _, m := range []string{"FROB", "get", "Post", "M-SEARCH", "GET1", "X!#$%&'*+-.^_`|~9", strings.Repeat("M", 60)} {
		c := free("token "+m, ref, with(m+" /m"), line(m+" /m HTTP/1.1"))
		c.ours = all(passed, line(m+" /m HTTP/1.1"))
		rows = append(rows, c)
	}
	head := good("HEAD", ref, with("HEAD /m"), line("HEAD /m HTTP/1.1"))
	head.methods = "HEAD"
	rows = append(rows, head,
		lax("TRACE", "steelyard", with("TRACE /"), 405),
		lax("TRACE in absolute form", "steelyard", with("TRACE http://x.test/"), 405),
		bad("CONNECT", "RFC 9110 9.3.6", raw("CONNECT x.test:443 HTTP/1.1", "Host: x.test:443"), 405),
		bad("CONNECT on HTTP/1.0", "RFC 9110 9.3.6", raw("CONNECT x.test:443 HTTP/1.0", "Host: x.test:443"), 405),
		lax("CONNECT with a path", "RFC 9110 9.3.6", with("CONNECT /"), 400, 405),
		bad("CONNECT then bytes", "RFC 9110 9.3.6", raw("CONNECT x.test:443 HTTP/1.1", "Host: x.test:443", "Connection: close")+smuggled, 405),
	)
	runCases(t, append(rows, refusedHeads()...))
}

// refusedHeads are answers of the gateway's own to HEAD: they too must have no body.
func refusedHeads() []testCase {
	const ref = "RFC 9110 9.3.2"
	rows := []testCase{
		lax("HEAD refused for its target", ref, with("HEAD /a/../b")),
		bad("HEAD refused for its Host", ref, raw("HEAD / HTTP/1.1", "Host: x/y")),
		bad("HEAD refused for two Hosts", ref, raw("HEAD / HTTP/1.1", "Host: x", "Host: y")),
		bad("HEAD refused for a field", ref, with("HEAD /", "X-A : b")),
		bad("HEAD refused for its framing", ref, with("HEAD /", "Content-Length: x")),
		lax("HEAD refused for what it expects", ref, with("HEAD /", "Expect: x"), 417),
		lax("HEAD refused for its version", ref, raw("HEAD / HTTP/1.9", "Host: x.test"), 505),
		lax("HEAD refused for its length", ref, with("HEAD /", "Content-Length: 100000000"), 413),
	}
	for i := range rows {
		rows[i].methods = "HEAD"
	}
	return rows
}

func TestVersions(t *testing.T) {
	const ref = "RFC 9110 2.5"
	versioned := func(v string) string { return raw("GET / "+v, "Host: x.test") }
	rows := []testCase{
		good("HTTP/1.0", ref, versioned("HTTP/1.0"), line("GET / HTTP/1.1")),
		lax("HTTP/1.2", ref, versioned("HTTP/1.2"), 505),
		old("HTTP/0.9 simple", "GET /\r\n"),
		lax("HTTP/0.9 named", ref, versioned("HTTP/0.9"), 400, 505),
	}
	// The tables of others call these 400 or 505; none of them is a version that can be passed on as HTTP/1.1.
	for _, v := range []string{"HTTP/2.0", "HTTP/3.0", "HTTP/9.9"} {
		rows = append(rows, bad(v, ref, versioned(v), 505))
	}
	for _, v := range []string{"HTTP/1", "HTTP/2", "HTTP/1.", "HTTP/.1", "HTTP/1.10", "HTTP/01.1", "HTTP/11.1", "HTTP/1.1.1",
		"http/1.1", "HTTPS/1.1", "XHTTP/1.1", "HTTP/1,1", "HTTP1.1", "HTTP/1.1x", "HTTP/x.1", "HTTP/-1.1", "HTTP/1.\x00"} {
		rows = append(rows, lax("odd "+v, "RFC 9112 2.3", versioned(v), 400, 505))
	}
	runCases(t, rows)
}
