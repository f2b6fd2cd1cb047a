package conformance

import "testing"

func TestHost(t *testing.T) {
	const ref = "RFC 9112 3.2"
	hosts := func(lines ...string) string { return raw("GET / HTTP/1.1", lines...) }
	old := func(lines ...string) string { return raw("GET / HTTP/1.0", lines...) }
	rows := []testCase{
		good("plain", ref, hosts("Host: x.test"), saw("Host", "x.test")),
		good("with port", ref, hosts("Host: x.test:8080"), saw("Host", "x.test:8080")),
		good("IPv4", ref, hosts("Host: 127.0.0.1:8080"), saw("Host", "127.0.0.1:8080")),
		good("IPv6", ref, hosts("Host: [::1]"), saw("Host", "[::1]")),
		good("IPv6 with port", ref, hosts("Host: [2001:db8::1]:80"), saw("Host", "[2001:db8::1]:80")),
		good("white space around", ref, hosts("Host: \t x.test \t"), saw("Host", "x.test")),
		good("lower-case name", ref, hosts("host: x.test"), saw("Host", "x.test")),
		good("underscore", ref, hosts("Host: my_service"), saw("Host", "my_service")),
		good("hyphens and digits", ref, hosts("Host: a-1.b-2.test"), saw("Host", "a-1.b-2.test")),
		good("last of many", ref, hosts("X-A: b", "X-B: c", "Host: x.test"), saw("Host", "x.test")),
		good("missing in 1.0", ref, old(), wholeRequests(1)),
		good("given in 1.0", ref, old("Host: x.test"), saw("Host", "x.test")),
		free("trailing dot", ref, hosts("Host: x.test.")),
		free("upper case", ref, hosts("Host: X.Test")),
		free("empty port", ref, hosts("Host: x.test:")),
		free("port out of range", ref, hosts("Host: x.test:99999")),
		free("percent-encoded", ref, hosts("Host: x%41.test")),
		free("sub-delims", ref, hosts("Host: a!b$c.test")),
		bad("missing", ref, hosts("X-A: b")),
		bad("missing, no fields", ref, "GET / HTTP/1.1\r\n\r\n"),
		bad("two, different", ref, hosts("Host: x.test", "Host: y.test")),
		bad("two, the same", ref, hosts("Host: x.test", "Host: x.test")),
		bad("two, apart", ref, hosts("Host: x.test", "X-A: b", "host: y.test")),
		bad("two, one empty", ref, hosts("Host: x.test", "Host:")),
		bad("two in 1.0", ref, old("Host: x.test", "Host: y.test")),
		lax("empty", "RFC 9110 4.2.1", hosts("Host:")),
		bad("slash", ref, hosts("Host: x/y")),
		bad("space inside", ref, hosts("Host: x y")),
		bad("NUL", ref, hosts("Host: x\x00y")),
	}
	// Syntax errors by RFC 3986 section 3.2.2, which deployed servers check more or less closely.
	for _, h := range []string{"a,b", "u@x.test", "x?y", "x#y", `x\y`, "x.test:abc", "x.test:-1", "x.test:80:80", "[::1", "::1]", "[::1]x",
		"<x>", `"x"`, "x^y", "{x}", "x|y", "http://x.test", "x\ty", "x\x01y", "x\x7fy", "[zz::1]", ":80"} {
		rows = append(rows, lax("malformed "+h, ref, hosts("Host: "+h)))
	}
	named := testCase{name: "named in Connection", ref: "RFC 9110 7.6.1", bytes: get("/", "Connection: Host"),
		want: either(rejected, all(passed, saw("Host", "x.test")))}
	runCases(t, append(rows, named))
}
