package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// answered is a row about what the client gets for what the upstream says to its GET.
func answered(name, ref, answer string, want check) testCase {
	return testCase{name: name, ref: ref, bytes: get("/"), answer: answer, want: want}
}

func TestAnswerFields(t *testing.T) {
	const ref = "RFC 9110 7.6.1"
	ok := func(name, ref string, want check, lines ...string) testCase {
		return answered(name, ref, reply(200, "ok", lines...), all(statuses(200), body("ok"), want))
	}
	gone := func(name string, field string, lines ...string) testCase {
		return ok(name, ref, gotNo(field), lines...)
	}
	kept := func(name, value string) testCase {
		return ok(name+" stays", "RFC 9110 7.7", got(name, value), name+": "+value)
	}
	lines := func(name string, values ...string) testCase {
		var ls []string
		for _, v := range values {
			ls = append(ls, name+": "+v)
		}
		return ok(fmt.Sprintf("%d lines of %s", len(values), name), "RFC 9110 5.3", got(name, values...), ls...)
	}
	ours := func(c testCase) testCase {
		c.want, c.ours = all(statuses(200), body("ok")), c.want
		return c
	}
	rows := []testCase{
		gone("named field", "X-Foo", "Connection: X-Foo", "X-Foo: 1"),
		gone("named in a list", "X-Foo", "Connection: keep-alive, x-foo", "X-Foo: 1"),
		gone("named with close", "X-Foo", "Connection: close, X-Foo", "X-Foo: 1"),
		gone("Keep-Alive", "Keep-Alive", "Connection: keep-alive", "Keep-Alive: timeout=1"),
		ours(gone("Keep-Alive not named", "Keep-Alive", "Keep-Alive: timeout=1")),
		ours(gone("Proxy-Connection", "Proxy-Connection", "Proxy-Connection: close")),
		ours(gone("Upgrade", "Upgrade", "Upgrade: h2c")),
		ours(gone("Upgrade named", "Upgrade", "Connection: Upgrade", "Upgrade: h2c")),
		lines("Set-Cookie", "a=1; Path=/", "b=2, 3", "a=4"),
		lines("Link", "</a>; rel=x", "</b>; rel=y"), lines("WWW-Authenticate", "Basic realm=\"x\"", "Bearer"),
		ours(lines("Content-Type", "text/plain", "text/html")), ours(lines("X-A", "1", "", "2")), lines("Vary", "a", "b"),
		ours(kept("Date", "Mon, 23 Nov 2020 00:00:00 GMT")), ours(kept("Server", "uvicorn")),
		kept("Content-Type", "application/json; charset=x"), kept("ETag", `W/"abc"`), kept("Retry-After", "3"),
		kept("Content-Encoding", "gzip"), kept("X-RateLimit-Remaining", "12"), kept("openai-processing-ms", "7"), kept("X-Obs", "\xff\xfe"),
		kept("X-Empty", ""), kept("Location", "http://y.test/a?b#c"), kept("Access-Control-Allow-Origin", "*"), kept("Age", "3"),
		kept("Last-Modified", "Mon, 23 Nov 2020 00:00:00 GMT"), kept("Accept-Ranges", "bytes"), kept("Cache-Control", "no-store"),
		ok("X-Accel-Buffering stays", "steelyard", either(got("X-Accel-Buffering", "no"), notSteelyard), "X-Accel-Buffering: no"),
		ok("one Date only", "RFC 9110 6.6.1", one("Date"), "date: Mon, 23 Nov 2020 00:00:00 GMT"),
		ok("a Date where there was none", "RFC 9110 6.6.1", one("Date")),
		ok("one Content-Length only", "RFC 9112 6.3", one("Content-Length")),
		answered("upper-case length name", "RFC 9112 6.3", raw("HTTP/1.1 200 OK", "CONTENT-LENGTH: 2")+"ok", body("ok")),
		ok("field of 6 kB", "RFC 9110 5.4", got("X-Long", strings.Repeat("v", 6000)), "X-Long: "+strings.Repeat("v", 6000)),
		ok("eighty fields", "RFC 9110 5.4", got("X-79", "v"), numbered(80)...),
		ok("white space around a value", "RFC 9110 5.5", got("X-A", "b c"), "X-A: \t b c \t "),
	}
	runCases(t, rows)
}

// notSteelyard excuses others from what they consume by design.
func notSteelyard(*result) error {
	if target.name == "steelyard" {
		return fmt.Errorf("steelyard passes it on")
	}
	return nil
}

func numbered(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("X-%02d: v", i))
	}
	return lines
}

func one(name string) check {
	return func(r *result) error {
		m, err := r.answer()
		if err == nil && len(m.values(name)) != 1 {
			err = fmt.Errorf("%d lines of %s in the answer", len(m.values(name)), name)
		}
		return err
	}
}

func TestStatuses(t *testing.T) {
	const ref = "RFC 9110 15"
	var rows []testCase
	for _, code := range []int{200, 201, 202, 203, 206, 299, 300, 301, 302, 307, 308, 399, 400, 401, 403, 404, 405, 408, 409, 413, 418, 422,
		425, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 529, 599} {
		c := answered(fmt.Sprint(code), ref, reply(code, "no"), all(statuses(code), body("no")))
		c.client = []act{send(get("/")), answers(1), closeWrite, eof}
		rows = append(rows, c)
	}
	for _, code := range []string{"600", "999"} {
		rows = append(rows, answered(code, ref, raw("HTTP/1.1 "+code+" X", "Content-Length: 2")+"no",
			either(gatewayError, all(complete, status(600, 999)))))
	}
	garbage := func(name, start string) testCase {
		c := answered("line "+name, "RFC 9112 4", raw(start, "Content-Length: 2", "Connection: close")+"ok", gatewayError)
		c.up = [][]act{{request, send(c.answer), closeWrite}, {request, send(c.answer), closeWrite}}
		c.answer = ""
		return c
	}
	either200 := func(name, start string) testCase {
		c := garbage(name, start)
		c.want = either(gatewayError, all(statuses(200), body("ok")))
		return c
	}
	rows = append(rows,
		either200("without reason", "HTTP/1.1 200 "), either200("without space and reason", "HTTP/1.1 200"),
		either200("long reason", "HTTP/1.1 200 "+strings.Repeat("r", 300)), either200("obs-text reason", "HTTP/1.1 200 \xff\xfe"),
		either200("two spaces", "HTTP/1.1  200 OK"), either200("tab", "HTTP/1.1\t200\tOK"), either200("HTTP/1.2", "HTTP/1.2 200 OK"),
		either200("leading space", " HTTP/1.1 200 OK"), either200("leading line end", "\r\nHTTP/1.1 200 OK"),
		garbage("status 099", "HTTP/1.1 099 X"), garbage("status 000", "HTTP/1.1 000 X"), garbage("two digits", "HTTP/1.1 20 X"),
		garbage("four digits", "HTTP/1.1 2000 X"), garbage("letters", "HTTP/1.1 abc X"), garbage("negative", "HTTP/1.1 -20 X"),
		garbage("signed", "HTTP/1.1 +20 X"), garbage("hex", "HTTP/1.1 0xc8 X"), garbage("no status", "HTTP/1.1"),
		garbage("words", "hello"), garbage("ICY", "ICY 200 OK"), garbage("HTTP/0.9", "HTTP/0.9 200 OK"), garbage("HTTP/2.0", "HTTP/2.0 200 OK"),
		garbage("HTTP/2", "HTTP/2 200 OK"), garbage("HTTP/3.0", "HTTP/3.0 200 OK"), garbage("lower case", "http/1.1 200 OK"),
		garbage("a request", "GET / HTTP/1.1"), garbage("NUL in the version", "HTTP/1.\x001 200 OK"), garbage("letter after status", "HTTP/1.1 200X OK"),
		either200("NUL in the reason", "HTTP/1.1 200 O\x00K"), either200("bare CR in the reason", "HTTP/1.1 200 O\rK"),
		garbage("only a body", "<html>"), garbage("TLS alert", "\x15\x03\x01\x00\x02\x02\x16"))
	runCases(t, rows)
}

func TestNoBodyAnswers(t *testing.T) {
	const ref = "RFC 9110 8.6"
	headed := func(name, answer string, want check) testCase {
		return testCase{name: "HEAD " + name, ref: "RFC 9110 9.3.2", bytes: with("HEAD /1") + get("/2"), methods: "HEAD GET", replies: 2,
			up:   [][]act{{request, send(answer), thenServe}},
			want: all(statuses(200, 200), targets("/1", "/2"), want, secondBody("ok"))}
	}
	// stray is an answer with bytes where it can have no body: they must not be taken for anything, then or later.
	stray := func(name string, code int, answer string) testCase {
		framing := gotNo("Transfer-Encoding") // RFC 9112 6.1; a 304 may have it, for what a 200 would have been
		if code == 304 {
			framing = complete
		}
		return testCase{name: name, ref: ref, bytes: get("/1") + get("/2"), replies: 2,
			up: [][]act{{request, send(answer), thenServe}},
			want: all(either(status(502), all(status(code), framing)), clientNever("EVIL"),
				either(secondBody("ok"), cutAfterFirst))}
	}
	rows := []testCase{
		headed("with length", raw("HTTP/1.1 200 OK", "Content-Length: 1234"), got("Content-Length", "1234")),
		headed("without length", raw("HTTP/1.1 200 OK", "X-A: b"), got("X-A", "b")),
		headed("chunked", raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"), complete),
		headed("length 0", raw("HTTP/1.1 200 OK", "Content-Length: 0"), got("Content-Length", "0")),
		stray("204 with a body", 204, raw("HTTP/1.1 204 X", "Content-Length: 4")+"EVIL"),
		stray("204 chunked", 204, raw("HTTP/1.1 204 X", "Transfer-Encoding: chunked")+"4\r\nEVIL\r\n0\r\n\r\n"),
		stray("204 and stray bytes", 204, raw("HTTP/1.1 204 X")+"EVIL"),
		stray("304 with a body", 304, raw("HTTP/1.1 304 X", "Content-Length: 4")+"EVIL"),
		stray("304 chunked", 304, raw("HTTP/1.1 304 X", "Transfer-Encoding: chunked")+"4\r\nEVIL\r\n0\r\n\r\n"),
		answered("204", ref, raw("HTTP/1.1 204 No Content", "X-A: b"), all(statuses(204), got("X-A", "b"), gotNo("Content-Length"))),
		answered("204 with length 0", ref, raw("HTTP/1.1 204 X", "Content-Length: 0"), statuses(204)),
		answered("304", ref, raw("HTTP/1.1 304 X", `ETag: "a"`), all(statuses(304), got("ETag", `"a"`))),
		answered("304 with length", ref, raw("HTTP/1.1 304 X", "Content-Length: 1234"), statuses(304)),
		answered("205", ref, raw("HTTP/1.1 205 X", "Content-Length: 0"), statuses(205)),
		answered("200 with length 0", ref, reply(200, ""), all(statuses(200), body(""))),
	}
	rows[10].ours = gotNo("Content-Length")
	evil := stray("HEAD with a body", 200, raw("HTTP/1.1 200 OK", "Content-Length: 4")+"EVIL")
	evil.bytes, evil.methods = with("HEAD /1")+get("/2"), "HEAD GET"
	evil2 := stray("HEAD with a chunked body", 200, raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")+"4\r\nEVIL\r\n0\r\n\r\n")
	evil2.bytes, evil2.methods = evil.bytes, evil.methods
	evil2.want = all(either(status(502), status(200)), clientNever("EVIL"), either(secondBody("ok"), cutAfterFirst))
	runCases(t, append(rows, evil, evil2))
}

func secondBody(want string) check {
	return func(r *result) error {
		if len(r.answers) != 2 || !r.answers[1].whole || string(r.answers[1].body) != want {
			return fmt.Errorf("the second answer is not %q", want)
		}
		return nil
	}
}

// cutAfterFirst allows a gateway to give up the client's connection after the first answer.
func cutAfterFirst(r *result) error {
	if len(r.answers) != 1 {
		return fmt.Errorf("%d answers", len(r.answers))
	}
	return nil
}
