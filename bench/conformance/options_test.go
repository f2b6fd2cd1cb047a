package conformance

import "testing"

// TestOptions is about the method that may be meant for the gateway itself.
func TestOptions(t *testing.T) {
	const ref = "RFC 9110 7.6.2"
	options := func(target string, lines ...string) string {
		return raw("OPTIONS "+target+" HTTP/1.1", append([]string{"Host: x.test"}, lines...)...)
	}
	// final is a request whose last recipient is the gateway.
	final := func(name, bytes string) testCase {
		return testCase{name: name, ref: ref, bytes: bytes, want: all(untouched, complete, status(200, 204, 400, 405))}
	}
	absolute := func(name, uri, target string) testCase {
		return testCase{name: name, ref: "RFC 9112 3.2.4", bytes: options(uri), want: either(rejected, passed), ours: all(passed, line("OPTIONS "+target+" HTTP/1.1"))}
	}
	counted := func(name, value, want string) testCase {
		return good(name, ref, options("/", "Max-Forwards: "+value), saw("Max-Forwards", want))
	}
	then := final("0, and the next request", options("/", "Max-Forwards: 0")+get("/2"))
	then.replies, then.want = 2, all(requests(1), targets("/2"), secondBody("ok"))
	withBody := final("0 with a body, and the next request", options("/", "Max-Forwards: 0", "Content-Length: 3")+"abc"+get("/2"))
	withBody.replies, withBody.want = 2, then.want
	two := testCase{name: "two lines", ref: ref, bytes: options("/", "Max-Forwards: 0", "Max-Forwards: 5"), want: either(rejected, complete)}
	other := good("on GET it is left alone", ref, get("/", "Max-Forwards: 5"))
	other.ours = saw("Max-Forwards", "5")
	huge := good("huge", ref, options("/", "Max-Forwards: 99999999999999999999999"))
	pair := testCase{name: "asterisk, then a path", ref: "RFC 9112 3.2.4", bytes: options("*") + options("/a"), replies: 2,
		want: either(rejected, statuses(200, 200)), ours: all(statuses(200, 200), targets("*", "/a"))}
	headed := bad("HEAD with the asterisk", "RFC 9112 3.2.4", raw("HEAD * HTTP/1.1", "Host: x.test"))
	headed.methods = "HEAD"
	runCases(t, []testCase{
		absolute("absolute without a path", "http://x.test", "*"), absolute("absolute with a port, without a path", "http://x.test:80", "*"),
		absolute("absolute with a slash", "http://x.test/", "/"), absolute("absolute with a query alone", "http://x.test?a=b", "/?a=b"),
		final("0 on the asterisk", options("*", "Max-Forwards: 0")), final("00", options("/", "Max-Forwards: 00")),
		final("0 in absolute form", options("http://x.test/", "Max-Forwards: 0")), final("0 with white space", options("/", "Max-Forwards: \t0 ")),
		final("0 on the asterisk of HTTP/1.0", raw("OPTIONS * HTTP/1.0", "Host: x.test", "Max-Forwards: 0")),
		counted("10 counts down", "10", "9"), counted("2147483648 counts down", "2147483648", "2147483647"),
		then, withBody, two, other, huge, pair, headed,
		bad("lower-case method with the asterisk", "RFC 9110 9.1", raw("options * HTTP/1.1", "Host: x.test")),
		bad("POST with the asterisk", "RFC 9112 3.2.4", raw("POST * HTTP/1.1", "Host: x.test", "Content-Length: 0")),
		lax("asterisk with a query", "RFC 9112 3.2.4", options("*?a")),
	})
}

// TestAuthorities compares the absolute form's authority with Host, where they need not be the same to the byte.
func TestAuthorities(t *testing.T) {
	const ref = "RFC 9110 4.2.3"
	abs := func(uri, host string) string { return raw("GET "+uri+" HTTP/1.1", "Host: "+host) }
	same := func(name, uri, host string) testCase {
		c := good(name, ref, abs(uri, host))
		c.want, c.ours = either(rejected, passed), all(passed, line("GET /a HTTP/1.1"))
		return c
	}
	// differ are two authorities: whoever takes the request must go by the target's.
	differ := func(name, uri, host, authority string) testCase {
		return testCase{name: name, ref: "RFC 9112 3.2.2", bytes: abs(uri, host), want: either(rejected, all(passed, saw("Host", authority)), passed), ours: refused(400)}
	}
	old := testCase{name: "another host in HTTP/1.0", ref: "RFC 9112 3.2.2", bytes: raw("GET http://y.test/a HTTP/1.0", "Host: x.test"),
		want: either(rejected, passed), ours: refused(400)}
	runCases(t, []testCase{
		same("the default port named in the target", "http://x.test:80/a", "x.test"), same("the default port named in Host", "http://x.test/a", "x.test:80"),
		same("both name the default port", "http://x.test:80/a", "x.test:80"), same("an empty port in the target", "http://x.test:/a", "x.test"),
		same("an empty port in Host", "http://x.test/a", "x.test:"), same("IPv6", "http://[::1]:8080/a", "[::1]:8080"),
		same("IPv6 on the default port", "http://[::1]:80/a", "[::1]"), same("another case", "http://X.Test/a", "x.tEST"),
		same("https on its default port", "https://x.test:443/a", "x.test"),
		differ("another port", "http://x.test:8080/a", "x.test", "x.test:8080"), differ("the other scheme's port", "https://x.test:80/a", "x.test", "x.test:80"),
		differ("a longer name", "http://x.test.evil/a", "x.test", "x.test.evil"), differ("a shorter name", "http://x/a", "x.test", "x"),
		lax("an empty user", "RFC 9110 4.2.4", abs("http://@x.test/a", "x.test")), lax("a user in Host", "RFC 9112 3.2", abs("http://x.test/a", "u@x.test")),
		bad("one slash", "RFC 9112 3.2.2", abs("http:/x.test/a", "x.test")), bad("no slash", "RFC 9112 3.2.2", abs("http:x.test", "x.test")),
		lax("WebSocket's scheme", "RFC 9112 3.2.2", abs("ws://x.test/a", "x.test")), old,
	})
}
