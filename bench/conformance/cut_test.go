package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// TestCutAnswers ends answers before they are whole. The one thing that a client must never see is a clean end.
func TestCutAnswers(t *testing.T) {
	const ref = "RFC 9112 8"
	type cut struct{ name, bytes string }
	fixed := raw("HTTP/1.1 200 OK", "Content-Length: 10")
	chunks := raw("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
	large := strings.Repeat("x", 100000)
	var rows []testCase
	for _, c := range []cut{
		{"fixed, no body", fixed}, {"fixed, half", fixed + "abcde"}, {"fixed, one short", fixed + "abcdefghi"},
		{"fixed, large", raw("HTTP/1.1 200 OK", "Content-Length: 200000") + large},
		{"chunked, no chunk", chunks}, {"chunked, in a size", chunks + "1"}, {"chunked, after a size", chunks + "5\r\n"},
		{"chunked, in a chunk", chunks + "5\r\nabc"}, {"chunked, after data", chunks + "5\r\nabcde"},
		{"chunked, between chunks", chunks + "5\r\nabcde\r\n"},
		{"chunked, between large chunks", chunks + fmt.Sprintf("%x\r\n%s\r\n", len(large), large)},
		{"chunked, in the last chunk", chunks + "5\r\nabcde\r\n0"},
		{"chunked, in the trailer", chunks + "5\r\nabcde\r\n0\r\nX-T: u\r\n"},
		{"chunked, bad second size", chunks + "5\r\nabcde\r\nzz\r\nabc\r\n0\r\n\r\n"},
		{"chunked, data too long", chunks + "5\r\nabcdefgh\r\n0\r\n\r\n"},
		{"chunked, data without line end", chunks + "5\r\nabcde0\r\n\r\n"},
		{"chunked, overflow", chunks + "5\r\nabcde\r\nfffffffffffffffff\r\nabc"},
		{"chunked, negative", chunks + "5\r\nabcde\r\n-1\r\nabc\r\n0\r\n\r\n"},
		{"chunked, hex prefix", chunks + "0x5\r\nabcde\r\n0\r\n\r\n"},
		{"chunked, empty size", chunks + "\r\nabcde\r\n0\r\n\r\n"},
	} {
		rows = append(rows, testCase{name: c.name, ref: ref, bytes: get("/"), up: once(c.bytes), want: unclean})
	}
	for _, c := range []cut{
		{"nothing", ""}, {"in the status line", "HTTP/1.1 2"}, {"after the status line", "HTTP/1.1 200 OK\r\n"},
		{"in the header", "HTTP/1.1 200 OK\r\nContent-Le"}, {"before the blank line", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"},
	} {
		rows = append(rows, testCase{name: "header, " + c.name, ref: ref, bytes: get("/"), up: once(c.bytes), want: gatewayError})
	}
	maybe := testCase{name: "chunked, only the last CRLF missing", ref: ref, bytes: get("/"), up: once(chunks + "5\r\nabcde\r\n0\r\n"),
		want: either(unclean, body("abcde"))}
	runCases(t, append(rows, maybe))
	runCases(t, named("RST,", rows, func(c *testCase) {
		answer := c.up[0][1]
		script := []act{request, answer, reset}
		c.up = [][]act{script, script, script}
	}))
	// A client of HTTP/1.0 has no chunks: a reset is all that can tell it.
	runCases(t, named("to HTTP/1.0,", rows, func(c *testCase) {
		c.bytes = raw("GET / HTTP/1.0", "Host: x.test")
		c.ours, c.want = c.want, func(*result) error { return nil }
		if strings.HasPrefix(c.name, "to HTTP/1.0, fixed") || strings.HasPrefix(c.name, "to HTTP/1.0, header") {
			c.want = c.ours
		}
	}))
	runCases(t, brokenStreams())
}

// brokenStreams break off after the client has seen the beginning, so that there is no taking it back.
func brokenStreams() []testCase {
	const ref = "RFC 9112 8"
	var rows []testCase
	for _, start := range []struct{ name, bytes, seen string }{
		{"fixed", raw("HTTP/1.1 200 OK", "Content-Length: 100000") + strings.Repeat("x", 50000), "xxx"},
		{"chunked", chunkedReply("5\r\nabcde\r\n"), "abcde"},
		{"chunked, in a chunk", chunkedReply("5\r\nabcde\r\n5\r\nab"), "abcde"},
	} {
		for _, end := range []struct {
			name string
			how  act
		}{{"FIN", closeWrite}, {"close", hangUp}, {"RST", reset}, {"garbage", send("\x00\x01garbage\r\n\r\n")}} {
			if start.name == "fixed" && end.name == "garbage" {
				continue
			}
			script := []act{request, send(start.bytes), await("seen"), end.how, eof}
			rows = append(rows, testCase{name: start.name + ", seen, then " + end.name, ref: ref, want: all(status(200), unclean),
				client: []act{send(get("/")), until(start.seen), tell("seen"), eof}, up: [][]act{script}})
		}
	}
	bare := testCase{name: "until the end, seen, then RST", ref: ref, want: all(status(200), unclean),
		client: []act{send(get("/")), until("abcde"), tell("seen"), eof},
		up:     [][]act{{request, send(raw("HTTP/1.1 200 OK") + "abcde"), await("seen"), reset}}}
	return append(rows, bare)
}

func TestGatewayErrors(t *testing.T) {
	const ref = "RFC 9110 15.6.3"
	shaped := func(r *result) error {
		m := r.answers[0]
		if !strings.HasPrefix(m.value("Content-Type"), "application/json") || !strings.Contains(string(m.body), `"error"`) {
			return fmt.Errorf("the error is not JSON of the OpenAI shape: %s", m.body)
		}
		return nil
	}
	dead := testCase{name: "nobody listens", ref: ref, with: settings{dead: true}, bytes: get("/"), want: gatewayError, ours: shaped}
	deadPost := testCase{name: "nobody listens, POST", ref: ref, with: settings{dead: true}, bytes: post("/", "abc"), want: gatewayError, ours: shaped}
	deadHead := testCase{name: "nobody listens, HEAD", ref: ref, with: settings{dead: true}, bytes: with("HEAD /"), methods: "HEAD", want: gatewayError}
	closed := testCase{name: "closed at once", ref: ref, bytes: get("/"), up: once(""), want: gatewayError, ours: all(status(502), shaped)}
	silent := testCase{name: "silent", ref: "RFC 9110 15.6.5", with: settings{firstByte: 300e6}, bytes: get("/"),
		up: [][]act{{request, eof}, {request, eof}}, want: all(status(504), complete), ours: all(shaped, requests(1))}
	silentPost := silent
	silentPost.name, silentPost.bytes = "silent, POST", post("/", "abc")
	stalled := testCase{name: "stalls in the header", ref: "RFC 9110 15.6.5", with: settings{firstByte: 300e6, silence: 600e6}, bytes: get("/"),
		up: [][]act{{request, send("HTTP/1.1 200 OK\r\nX-A: b"), eof}, {request, eof}}, want: all(status(502, 504), complete)}
	pause := testCase{name: "stalls in the body", ref: "steelyard", with: settings{silence: 300e6}, want: all(status(200), unclean),
		client: []act{send(get("/")), until("abcde"), eof}, up: [][]act{{request, send(chunkedReply("5\r\nabcde\r\n")), eof}}}
	pauseFixed := pause
	pauseFixed.name, pauseFixed.up = "stalls in a fixed body", [][]act{{request, send(raw("HTTP/1.1 200 OK", "Content-Length: 10000") + strings.Repeat("abcde", 1000)), eof}}
	next := testCase{name: "the connection survives a 502", ref: ref, bytes: get("/1") + get("/2"), replies: 2,
		up:   [][]act{{request, send("garbage\r\n\r\n"), closeWrite}, {request, send(okAnswer), thenServe}},
		want: either(statuses(502), statuses(502, 200), statuses(200, 200))}
	quiet := testCase{name: "the error leaks nothing", ref: "steelyard", bytes: post("/", "secret-prompt", "Authorization: Bearer secret-key"),
		up: once("HTTP/1.1 2xx secret-answer\r\n\r\nsecret-body"), want: either(gatewayError, unclean),
		ours: all(gatewayError, shaped, clientNever("secret"))}
	runCases(t, []testCase{dead, deadPost, deadHead, closed, silent, silentPost, stalled, pause, pauseFixed, next, quiet})
}
