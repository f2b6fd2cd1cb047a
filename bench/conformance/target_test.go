package conformance

import (
	"strings"
	"testing"
)

func TestTargetForms(t *testing.T) {
	const ref = "RFC 9112 3.2.2"
	abs := func(uri string, lines ...string) string { return raw("GET "+uri+" HTTP/1.1", lines...) }
	sameHost := either(rejected, all(passed, saw("Host", "evil.test"))) // the target's authority wins
	disagree := testCase{name: "absolute, other Host", ref: ref, bytes: abs("http://evil.test/a", "Host: x.test"),
		want: sameHost, ours: refused(400)}
	port := testCase{name: "absolute, other port", ref: ref, bytes: abs("http://x.test:81/a", "Host: x.test:80"),
		want: either(rejected, all(passed, saw("Host", "x.test:81"))), ours: refused(400)}
	star := testCase{name: "OPTIONS asterisk", ref: "RFC 9112 3.2.4", bytes: with("OPTIONS *"),
		want: either(all(passed, line("OPTIONS * HTTP/1.1")), all(untouched, status(200, 204, 400, 404, 405)))}
	noHost := testCase{name: "absolute, no Host in 1.0", ref: ref, bytes: raw("GET http://x.test/a HTTP/1.0"),
		want: either(rejected, passed), ours: either(rejected, all(line("GET /a HTTP/1.1"), saw("Host", "x.test")))}
	// An origin server must take the absolute form, but ours is to send the origin form.
	agree := func(name, uri, host, target string) testCase {
		c := good(name, ref, abs(uri, "Host: "+host))
		c.ours = all(line("GET "+target+" HTTP/1.1"), saw("Host", host))
		return c
	}
	same := func(name, uri, target string) testCase {
		c := free(name, ref, abs(uri, "Host: x.test"))
		c.ours = either(rejected, line("GET "+target+" HTTP/1.1"))
		return c
	}
	runCases(t, []testCase{
		agree("absolute", "http://x.test/a?b=c", "x.test", "/a?b=c"),
		agree("absolute with port", "http://x.test:8080/a", "x.test:8080", "/a"),
		agree("absolute without path", "http://x.test", "x.test", "/"),
		agree("absolute, upper-case scheme", "HTTP://x.test/a", "x.test", "/a"),
		same("absolute, query without path", "http://x.test?q=1", "/?q=1"),
		same("absolute, upper-case host", "http://X.TEST/a", "/a"),
		same("absolute, default port", "http://x.test:80/a", "/a"),
		free("absolute, https on plain", ref, abs("https://x.test/a", "Host: x.test")),
		lax("absolute, ftp", ref, abs("ftp://x.test/a", "Host: x.test")),
		lax("absolute, userinfo", "RFC 9110 4.2.4", abs("http://u:p@x.test/a", "Host: x.test")),
		bad("absolute, empty host", "RFC 9110 4.2.1", abs("http:///a", "Host: x.test")),
		bad("absolute, Host missing", "RFC 9112 3.2", abs("http://x.test/a")),
		lax("absolute, dot segments", "steelyard", abs("http://x.test/a/../b", "Host: x.test")),
		lax("absolute, fragment", "steelyard", abs("http://x.test/a#b", "Host: x.test")),
		disagree, port, star, noHost,
		bad("authority form with GET", "RFC 9112 3.2.3", abs("x.test:80", "Host: x.test")),
		bad("asterisk with GET", "RFC 9112 3.2.4", abs("*", "Host: x.test")),
		bad("relative path", "RFC 9112 3.2", abs("a/b", "Host: x.test")),
		bad("only a query", "RFC 9112 3.2", abs("?a=b", "Host: x.test")),
		lax("asterisk and more", "RFC 9112 3.2.4", raw("OPTIONS *x HTTP/1.1", "Host: x.test")),
	})
}

func TestTargetBytes(t *testing.T) {
	const ref = "RFC 9110 7.7"
	var rows []testCase
	for _, target := range []string{
		"/v1/models/Qwen%2FQwen2.5-7B", "/a%2fb", "/%7Euser/%41", "/a%20b", "/a%25b", "/%252e%252e/b", "/a%3Fb%23c",
		"//x", "/a//b", "//evil.test/x", "/a/", "/a?", "/?", "/a?b?c", "/a?x=../..", "/a?x=/./", "/a;v=1/b", "/a/...",
		"/a/..b", "/a/b..", "/.a", "/a.", "/.well-known/x", "/a:b@c!$&'()*+,;=", "/a?url=http://y.test/z", "/%E2%82%AC",
		"/a?x=%00", "/a/%2e%2e%2e", "/~a_b-c.d", "/a?&&==&",
	} {
		rows = append(rows, good("exactly "+target, ref, get(target), line("GET "+target+" HTTP/1.1"), saw("Host", "x.test")))
	}
	// Not URIs by RFC 3986; whoever passes one on must not change it.
	for _, target := range []string{"/a%zz", "/a%2", "/%", `/a\b`, `/a"b`, "/a<b>", "/a|b", "/a{b}", "/a^b`c", "/caf\xc3\xa9", "/a\xff",
		"/a%0d%0aX-Evil:%201", "/a\x01b", "/a\x7fb", `/a/..\b`, "/a/..%2fb", "/a/..;/b", "/a%5c..%5cb"} {
		rows = append(rows, free("odd "+target, "RFC 3986 3.3", get(target), line("GET "+target+" HTTP/1.1")))
	}
	// Two readers may resolve these to different resources, or cut at different places: our promise is to refuse.
	for _, target := range []string{"/a/../b", "/../b", "/a/./b", "/./a", "/a/..", "/a/.", "/.", "/..", "/%2e%2e/b", "/a/%2E%2E/b",
		"/a/.%2e/b", "/a/%2e./b", "/a/%2e/b", "/a/%2e", "/a/..?x", "/a/.?x", "/a//../b", "/a%00b", "/%00", "/a#b", "/#", "/a?b#c"} {
		rows = append(rows, lax("refused "+target, "steelyard", get(target)))
	}
	runCases(t, rows)
}

func TestTargetLength(t *testing.T) {
	const ref = "RFC 9112 3"
	long := func(n int) string { return "/" + strings.Repeat("a", n-1) }
	row := func(name string, n int) testCase { return bad(name, "RFC 9110 15.5.15", get(long(n)), 414) }
	query := bad("query of 20 kB", "RFC 9110 15.5.15", get("/?"+strings.Repeat("q", 20000)), 414)
	runCases(t, []testCase{
		good("target of 4 kB", ref, get(long(4000)), line("GET "+long(4000)+" HTTP/1.1")),
		good("request line of 8000 octets", ref, get(long(8000-len("GET  HTTP/1.1"))), saw("Host", "x.test")),
		row("target of 20 kB", 20000), row("target of 100 kB", 100000), row("target of 1 MB", 1000000), query,
		bad("endless target", "RFC 9110 15.5.15", "GET /"+strings.Repeat("a", 70000), 414),
		bad("endless method", ref, strings.Repeat("A", 70000), 400, 414, 431, 501),
	})
}
