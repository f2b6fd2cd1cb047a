package conformance

import (
	"strings"
	"testing"
)

// TestReuse is about what one exchange leaves behind on a connection to the upstream, which the next must never get.
func TestReuse(t *testing.T) {
	const ref = "RFC 9112 9.3"
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"
	// Others may give up the client's connection instead, for it to try again.
	good := all(clientNever("EVIL"), either(all(statuses(200, 200), secondBody("ok")), statuses(200)))
	ours := statuses(200, 200)
	// then sends a second request once the upstream has done something to the idle connection.
	then := func(name string, second string, do ...act) testCase {
		script := append([]act{request, send(okAnswer), await("first")}, do...)
		return testCase{name: name, ref: ref, want: good, ours: ours, up: [][]act{append(script, tell("done"), thenServe)},
			client: []act{send(get("/1")), answers(1), tell("first"), await("done"), send(second), answers(2), closeWrite, eof}}
	}
	// glued sends an answer with something behind it in the same segment.
	glued := func(name, answer string) testCase {
		return testCase{name: name, ref: ref, want: either(good, all(status(502), clientNever("EVIL"))),
			up:     [][]act{{request, send(answer), thenServe}},
			client: []act{send(get("/1")), answers(1), send(get("/2")), answers(2), closeWrite, eof}}
	}
	twice := then("two requests, one connection", get("/2"))
	twice.ours = all(ours, connections(1))
	posts := then("two POSTs, one connection", post("/2", "abc"))
	posts.ours = all(ours, connections(1))
	rows := []testCase{
		twice, posts,
		then("an answer nobody asked for", get("/2"), send(evil)),
		then("an answer nobody asked for, POST", post("/2", "abc"), send(evil)),
		then("one byte nobody asked for", get("/2"), send("E")),
		then("a line end nobody asked for", get("/2"), send("\r\n")),
		then("408 on idle", get("/2"), send(reply(408, "EVIL", "Connection: close")), closeWrite),
		then("FIN on idle, GET", get("/2"), closeWrite),
		then("FIN on idle, POST", post("/2", "abc"), closeWrite),
		then("FIN on idle, chunked POST", chunkedPost("3\r\nabc\r\n0\r\n\r\n"), closeWrite),
		then("FIN on idle, large POST", post("/2", strings.Repeat("x", 200000)), closeWrite),
		then("close on idle, POST", post("/2", "abc"), hangUp),
		then("RST on idle, GET", get("/2"), reset),
		then("RST on idle, POST", post("/2", "abc"), reset),
		glued("bytes after a fixed body", reply(200, "ok")+"EVIL"),
		glued("an answer after a fixed body", reply(200, "ok")+evil),
		glued("bytes after the last chunk", chunkedReply("2\r\nok\r\n0\r\n\r\nEVIL")),
		glued("an answer after the last chunk", chunkedReply("2\r\nok\r\n0\r\n\r\n")+evil),
		glued("a line end after a body", reply(200, "ok")+"\r\n"),
		glued("an answer after a 304", raw("HTTP/1.1 304 X")+evil),
	}
	rows[len(rows)-1].want = all(clientNever("EVIL"), secondBody("ok"))
	closes := func(name, answer string) testCase {
		c := glued(name, answer)
		c.want = all(good, connections(2))
		return c
	}
	rows = append(rows,
		closes("Connection: close is honoured", reply(200, "ok", "Connection: close")),
		closes("Connection: Close in a list", reply(200, "ok", "Connection: foo, Close")),
		closes("HTTP/1.0 is not reused", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	)
	runCases(t, append(rows, repeats()...))
}

// repeats are requests that meet a connection which dies under them.
func repeats() []testCase {
	const ref = "RFC 9110 9.2.2"
	dies := []act{request, send(okAnswer), request, closeWrite}
	row := func(name, second string, want check) testCase {
		return testCase{name: name, ref: ref, want: want, ours: either(statuses(200, 502), statuses(200, 200)), up: [][]act{dies},
			client: []act{send(get("/1")), answers(1), send(second), answers(2), closeWrite, eof}}
	}
	// The upstream has read it and closed without a word: whether it has acted on it nobody can know.
	once := either(statuses(200), statuses(200, 502), all(statuses(200, 200), wholeRequests(3)))
	fresh := testCase{name: "POST, read and closed on a fresh connection", ref: ref, bytes: post("/", "abc"),
		up: [][]act{{request, closeWrite}, {request, closeWrite}, {request, closeWrite}}, want: gatewayError,
		ours: func(r *result) error { return either(wholeRequests(1), wholeRequests(2))(r) }}
	answered := testCase{name: "POST, part of an answer, then closed", ref: ref, bytes: post("/", "abc"),
		up: [][]act{{request, send("HTTP/1.1 200 OK\r\n"), closeWrite}, {request, send(okAnswer)}}, want: all(wholeRequests(1), gatewayError)}
	return []testCase{
		row("GET, read and closed on a used connection", get("/2"), once),
		row("POST, read and closed on a used connection", post("/2", "abc"), once),
		fresh, answered,
	}
}

// TestEarlyAnswers answer before the request has been read.
func TestEarlyAnswers(t *testing.T) {
	const ref = "RFC 9112 9.3"
	big := strings.Repeat("x", 8<<20)
	early := func(name string, after ...act) testCase {
		script := append([]act{hold(2000), until("\r\n\r\n"), send(reply(413, "too large", "Connection: close"))}, after...)
		return testCase{name: name, ref: ref, up: [][]act{script}, want: all(status(413), body("too large")),
			with: settings{streamed: true}, client: []act{send(post("/", big)), answers(1), closeWrite, eof}}
	}
	held := early("413 to a held upload, then close", hangUp)
	held.with.streamed, held.client = false, []act{send(post("/", big[:1<<20])), answers(1), closeWrite, eof}
	chunked := early("413 to chunks, then close", hangUp)
	chunked.client = []act{send(chunkedPost("80000\r\n" + big[:0x80000] + "\r\n")), answers(1), closeWrite, eof}
	waiting := testCase{name: "413 while the client waits", ref: ref, with: settings{streamed: true}, want: all(status(413), body("no")),
		client: []act{send(with("POST /", "Content-Length: 100000") + big[:20000]), answers(1), closeWrite, eof},
		up:     [][]act{{until("xxx"), send(reply(413, "no", "Connection: close")), eof}}}
	kept := testCase{name: "200 before the end, then the rest", ref: ref, with: settings{streamed: true},
		client: []act{send(with("POST /1", "Content-Length: 100000") + big[:50000]), until("200 X"), send(big[:50000]), answers(1), closeWrite, eof},
		up:     [][]act{{until("xxx"), send(reply(200, "early"))}, {thenServe}}, want: all(status(200), body("early"))}
	next := testCase{name: "never a second request behind half a body", ref: ref, with: settings{streamed: true},
		client: []act{send(with("POST /1", "Content-Length: 100000") + big[:50000]), answers(1), send(big[:50000] + get("/2")), closeWrite, eof},
		up:     [][]act{{until("xxx"), send(reply(200, "early"))}},
		want:   all(status(200), firstConnOnly)}
	runCases(t, []testCase{
		early("413 to a large upload, then close", hangUp), early("413 to a large upload, then RST", reset),
		early("413 to a large upload, then FIN", closeWrite, resume), early("413 to a large upload, then reads on", resume),
		held, chunked, waiting, kept, next,
	})
}

// firstConnOnly says that a connection whose request may not have been whole carries no second one.
func firstConnOnly(r *result) error {
	if len(r.conns) > 0 && strings.Contains(string(r.conns[0].got), "GET /2 ") && len(r.requests) < 2 {
		return wholeRequests(2)(r)
	}
	return nil
}
