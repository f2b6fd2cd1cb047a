package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestAnswerDuties is about what a gateway does to an answer on its way, and what it leaves alone.
func TestAnswerDuties(t *testing.T) {
	const ref = "RFC 9110 7.6.1"
	ok := func(name, ref string, want check, lines ...string) testCase {
		return answered(name, ref, reply(200, "ok", lines...), all(statuses(200), body("ok"), want))
	}
	ours := func(c testCase, check check) testCase { c.ours = check; return c }
	anything := func(*result) error { return nil }
	old := answered("Via names HTTP/1.0", "RFC 9110 7.6.3", "", statuses(200))
	old.up, old.ours = once("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), gotSome("Via", "1.0 ")
	long := ok("field of 20 kB", "RFC 9110 5.4", anything, "X-Long: "+strings.Repeat("v", 20000))
	long.want, long.ours = either(gatewayError, long.want), got("X-Long", strings.Repeat("v", 20000))
	many := answered("three hundred fields", "RFC 9110 5.4", reply(200, "ok", numbered(300)...), anything)
	many.want, many.ours = either(gatewayError, statuses(200)), got("X-299", "v")
	head := testCase{name: "length of an answer to HEAD", ref: "RFC 9110 9.3.2", bytes: with("HEAD /"), methods: "HEAD",
		answer: raw("HTTP/1.1 404 X", "Content-Length: 5000000000"), want: all(statuses(404), got("Content-Length", "5000000000"))}
	part := answered("206 with its range", "RFC 9110 15.3.7", reply(206, "abc", "Content-Range: bytes 0-2/9"), all(statuses(206), got("Content-Range", "bytes 0-2/9"), body("abc")))
	unchanged := answered("304 with its fields", "RFC 9110 15.4.5", raw("HTTP/1.1 304 X", `ETag: "a"`, "Cache-Control: max-age=1", "Content-Length: 7"),
		all(statuses(304), got("ETag", `"a"`), got("Cache-Control", "max-age=1")))
	runCases(t, []testCase{
		ours(ok("Via made", "RFC 9110 7.6.3", anything), gotSome("Via", "1.1 ")),
		ours(ok("Via appended", "RFC 9110 7.6.3", anything, "Via: 1.1 a", "Via: 1.0 b (c)"), gotSome("Via", "1.1 a, 1.0 b (c), 1.1 ")),
		old, long, many, head, part, unchanged,
		ok("named in two lines", ref, gotNo("X-Foo", "X-Bar"), "Connection: X-Foo", "Connection: X-Bar", "X-Foo: 1", "X-Bar: 2"),
		ok("named, all its lines", ref, gotNo("X-Foo"), "X-Foo: 1", "Connection: x-foo", "X-Foo: 2"),
		ok("named Set-Cookie", ref, gotNo("Set-Cookie"), "Connection: Set-Cookie", "Set-Cookie: a=b"),
		ok("named Content-Length frames all the same", ref, complete, "Connection: Content-Length"),
		ok("named with empty elements", ref, gotNo("X-Foo"), "Connection: ,, X-Foo,,", "X-Foo: 1"),
		ok("Proxy-Authenticate in a 200", "RFC 9110 11.7.1", anything, "Proxy-Authenticate: Basic"),
		ok("Trailer without chunks", "RFC 9110 6.6.2", anything, "Trailer: X-T"),
		ok("a Date that is none", "RFC 9110 6.6.1", one("Date"), "Date: yesterday"),
	})
}

// TestInterimMore goes on where TestInterim ends.
func TestInterimMore(t *testing.T) {
	const ref = "RFC 9110 15.2"
	early := raw("HTTP/1.1 103 Early Hints", "Link: </a>")
	row := func(name, answer string, want check) testCase {
		c := answered(name, ref, "", want)
		c.up = [][]act{{request, send(answer), thenServe}}
		return c
	}
	unframed := func(r *result) error {
		for _, m := range r.messages {
			if m.status < 200 && (m.values("Content-Length") != nil || m.values("Transfer-Encoding") != nil) {
				return fmt.Errorf("a %d with framing: %q", m.status, m.fields)
			}
		}
		return nil
	}
	pair := row("103 before each of two", "", all(statuses(200, 200), targets("/1", "/2")))
	pair.bytes, pair.replies, pair.up, pair.answer = get("/1")+get("/2"), 2, nil, early+okAnswer
	expecting := row("103 to a client that waits for 100", "", all(statuses(200), sawBody("abc")))
	expecting.client = []act{send(with("POST /", "Expect: 100-continue", "Content-Length: 3")), until("100"), send("abc"), answers(1), closeWrite, eof}
	expecting.up = [][]act{{head, send("HTTP/1.1 100 Continue\r\n\r\n"), until("abc"), send(early + okAnswer)}}
	split := row("103 and the answer's first byte together", "", all(statuses(200), body("ok")))
	split.up = [][]act{{request, send(early + okAnswer[:1]), send(okAnswer[1:20]), send(okAnswer[20:]), thenServe}}
	endless := row("103 without end", "", either(gatewayError, unclean))
	endless.up = [][]act{{request, send(strings.Repeat(early, 5000)), closeWrite}}
	runCases(t, []testCase{
		row("103 before a 204", early+raw("HTTP/1.1 204 X"), statuses(204)),
		row("103 before a 304", early+raw("HTTP/1.1 304 X"), statuses(304)),
		row("103 before chunks", early+chunkedReply("2\r\nok\r\n0\r\n\r\n"), all(statuses(200), body("ok"))),
		row("103 before a 500", early+reply(500, "no"), statuses(500)),
		row("103 with a length", raw("HTTP/1.1 103 X", "Content-Length: 0")+okAnswer, either(gatewayError, all(statuses(200), body("ok"), unframed))),
		row("103 with chunks announced", raw("HTTP/1.1 103 X", "Transfer-Encoding: chunked")+okAnswer, either(gatewayError, all(statuses(200), body("ok"), unframed))),
		row("103 that says close", raw("HTTP/1.1 103 X", "Connection: close")+okAnswer, either(gatewayError, all(statuses(200), body("ok")))),
		endless, pair, expecting, split,
	})
}

// TestOldPeers mixes the versions: each side is told the end of a message in a way that it knows.
func TestOldPeers(t *testing.T) {
	const ref = "RFC 9112 C.2"
	old := func(lines ...string) string {
		return raw("GET / HTTP/1.0", append([]string{"Host: x.test"}, lines...)...)
	}
	plain := raw("HTTP/1.0 200 OK")
	// client is what an HTTP/1.0 client that would stay gets.
	client := func(name string, answer string, want check) testCase {
		return testCase{name: name, ref: ref, client: []act{send(old("Connection: keep-alive")), answers(1), closeWrite, eof}, up: once(answer),
			want: all(statuses(200), gotNo("Transfer-Encoding"), want)}
	}
	// stays is an upstream's answer of HTTP/1.0 after which the client's connection goes on.
	stays := func(name string, script ...act) testCase {
		return testCase{name: name, ref: ref, up: [][]act{append([]act{request}, script...)}, want: either(statuses(200, 200), statuses(200)), ours: statuses(200, 200),
			client: []act{send(get("/1")), answers(1), send(get("/2")), answers(2), closeWrite, eof}}
	}
	trailed := client("chunks with a trailer to HTTP/1.0", chunkedReply("2\r\nok\r\n0\r\nX-T: u\r\n\r\n"), all(body("ok"), clientNever("X-T")))
	upload := testCase{name: "length from HTTP/1.0, and it stays", ref: ref, bytes: raw("POST / HTTP/1.0", "Connection: keep-alive", "Content-Length: 3") + "abc" + raw("POST / HTTP/1.0", "Content-Length: 3") + "def",
		replies: 2, want: either(all(statuses(200, 200), requests(2)), all(statuses(200), requests(1)))}
	untold := testCase{name: "a body without length from HTTP/1.0", ref: "RFC 9112 6.3", bytes: raw("POST / HTTP/1.0", "Host: x.test") + "abc",
		want: either(all(requests(1), sawBody("")), rejected)}
	runCases(t, []testCase{
		client("until the end to HTTP/1.0", plain+"ok", body("ok")), client("chunks to HTTP/1.0", chunkedReply("2\r\nok\r\n0\r\n\r\n"), body("ok")),
		client("length to HTTP/1.0", reply(200, "ok"), body("ok")), client("nothing until the end to HTTP/1.0", plain, body("")),
		trailed, upload, untold,
		stays("until the end from HTTP/1.0", send(plain+"ok"), closeWrite),
		stays("length from HTTP/1.0", send(raw("HTTP/1.0 200 OK", "Content-Length: 2")+"ok"), closeWrite),
		stays("length from HTTP/1.0 that stays", send(raw("HTTP/1.0 200 OK", "Connection: keep-alive", "Content-Length: 2")+"ok"), thenServe),
		stays("until the end from HTTP/1.1", send(raw("HTTP/1.1 200 OK")+"ok"), closeWrite),
	})
}

// TestLongPipelines are requests of all kinds, one behind the other on one connection.
func TestLongPipelines(t *testing.T) {
	const ref = "RFC 9112 9.3.2"
	row := func(name, bytes string, n int, want check) testCase {
		return testCase{name: name, ref: ref, bytes: bytes, replies: n, want: want}
	}
	// ends says that nothing is served behind a request that is refused. Others may take it.
	ends := func(name, bytes string, codes ...int) testCase {
		c := testCase{name: name, ref: ref, client: []act{send(get("/1") + bytes + get("/3", "Connection: close")), eof}, want: status(200)}
		c.ours = all(requests(1), func(r *result) error {
			if len(r.answers) != 2 || !slices.Contains(codes, r.answers[1].status) {
				return fmt.Errorf("the second answer is none of %v", codes)
			}
			return nil
		})
		return c
	}
	var bodies strings.Builder
	for i := range 30 {
		bodies.WriteString(post("/", strings.Repeat("x", i*997)))
	}
	sizes := row("thirty bodies of other sizes", bodies.String(), 30, func(r *result) error {
		for i, m := range r.requests {
			if len(m.body) != i*997 {
				return fmt.Errorf("body %d has %d bytes", i, len(m.body))
			}
		}
		return requests(30)(r)
	})
	mixed := row("HEAD, POST, GET, HEAD", with("HEAD /1")+chunkedPost("3\r\nabc\r\n0\r\nX-T: u\r\n\r\n")+get("/3")+with("HEAD /4"), 4,
		all(statuses(200, 200, 200, 200), targets("/1", "/", "/3", "/4")))
	mixed.methods = "HEAD POST GET HEAD"
	dripped := row("two, a byte at a time", "", 2, all(statuses(200, 200), targets("/1", "/2")))
	dripped.client = []act{drip(post("/1", "abc") + get("/2")), answers(2), closeWrite, eof}
	cut := testCase{name: "nothing behind an answer that is cut", ref: ref, want: all(status(200), unclean, func(r *result) error {
		if len(r.answers) != 1 {
			return fmt.Errorf("%d answers", len(r.answers))
		}
		return nil
	}), client: []act{send(get("/1") + get("/2")), eof}, up: [][]act{{request, send(raw("HTTP/1.1 200 OK", "Content-Length: 10") + "abc"), closeWrite}}}
	late := testCase{name: "the second request comes in the midst of the first answer", ref: ref, want: all(statuses(200, 200), targets("/1", "/2"), body("abcde")),
		client: []act{send(get("/1")), until("abc"), send(get("/2")), tell("sent"), answers(2), closeWrite, eof},
		up:     [][]act{{request, send(chunkedReply("3\r\nabc\r\n")), await("sent"), send("2\r\nde\r\n0\r\n\r\n"), thenServe}}}
	expects := row("Expect with its body, then GET", with("POST /1", "Expect: 100-continue", "Content-Length: 3")+"abc"+get("/2"), 2,
		all(statuses(200, 200), targets("/1", "/2"), sawBody("abc")))
	versions := row("HTTP/1.0 that stays, then HTTP/1.1", raw("GET /1 HTTP/1.0", "Connection: keep-alive")+get("/2"), 2,
		either(all(statuses(200, 200), targets("/1", "/2")), all(statuses(200), targets("/1"))))
	runCases(t, []testCase{
		sizes, mixed, dripped, cut, late, expects, versions,
		row("a hundred line ends before", strings.Repeat("\r\n", 100)+get("/"), 1, either(rejected, passed)),
		row("close in the second of three", get("/1")+get("/2", "Connection: close")+get("/3"), 2, all(statuses(200, 200), targets("/1", "/2"))),
		ends("HTTP/2 preface in between", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505), ends("a version in between", raw("GET / HTTP/3.0", "Host: x.test"), 505),
		ends("two lengths in between", with("POST /2", "Content-Length: 1", "Content-Length: 2")+"ab", 400),
		ends("length and chunks in between", with("POST /2", "Content-Length: 5", "Transfer-Encoding: chunked")+"0\r\n\r\n", 400),
		ends("a bare line feed in between", "GET /2 HTTP/1.1\nHost: x.test\n\n", 400),
		ends("another expectation in between", with("POST /2", "Expect: x", "Content-Length: 3")+"abc", 417),
		ends("no Host in between", "GET /2 HTTP/1.1\r\n\r\n", 400),
	})
}

// TestManyOptions names more in Connection than anybody means.
func TestManyOptions(t *testing.T) {
	const ref = "RFC 9110 7.6.1"
	names := func(n int) (list []string, lines []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("X-%02d", i))
			lines = append(lines, fmt.Sprintf("X-%02d: v", i))
		}
		return list, lines
	}
	row := func(name string, n int, want func(check) check) testCase {
		list, lines := names(n)
		lines = append([]string{"Connection: " + strings.Join(list, ", ")}, lines...)
		return testCase{name: name, ref: ref, bytes: get("/", lines...), want: want(all(passed, sawNo(list...)))}
	}
	maybe := func(c check) check { return either(rejected, c) }
	runCases(t, []testCase{
		row("thirty names", 30, func(c check) check { return c }), row("sixty names", 60, maybe), row("two hundred names", 200, maybe),
		{name: "a thousand commas", ref: ref, bytes: get("/", "Connection: "+strings.Repeat(",", 1000)+"X-Foo", "X-Foo: 1"),
			want: either(rejected, all(passed, sawNo("X-Foo")))},
	})
}
