package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestPersistence(t *testing.T) {
	const ref = "RFC 9112 9.3"
	next := func(name, first, second string, want check) testCase {
		return testCase{name: name, ref: ref, client: []act{send(first), answers(1), send(second), answers(2), closeWrite, eof}, want: want}
	}
	// ends waits for the gateway to close first.
	ends := func(name, bytes string, want check) testCase {
		return testCase{name: name, ref: ref, client: []act{send(bytes), answers(1), eof}, want: all(requests(1), statuses(200), want)}
	}
	old := func(lines ...string) string {
		return raw("GET / HTTP/1.0", append([]string{"Host: x.test"}, lines...)...)
	}
	two := all(requests(2), statuses(200, 200))
	rows := []testCase{
		next("1.1 stays", get("/1"), get("/2"), two),
		next("1.1 stays after POST", post("/1", "abc"), get("/2"), two),
		next("1.1 stays after chunks", chunkedPost("3\r\nabc\r\n0\r\n\r\n"), get("/2"), two),
		next("1.1 stays, keep-alive said", get("/1", "Connection: keep-alive"), get("/2"), two),
		ends("1.1 with close", get("/", "Connection: close"), saidClose),
		ends("1.1 with Close", get("/", "Connection: Close"), complete),
		ends("1.1 with close in a list", get("/", "Connection: keep-alive, close"), complete),
		ends("1.1 with close in the second line", get("/", "Connection: x", "Connection: close"), complete),
		ends("1.1 with close after a POST", post("/", "abc", "Connection: close"), saidClose),
		ends("1.0", old(), complete),
		ends("1.0 with close", old("Connection: close"), complete),
		ends("nothing after close", get("/1", "Connection: close")+get("/2"), targets("/1")),
		ends("nothing after 1.0", old()+get("/2"), targets("/")),
		next("1.0 with keep-alive", old("Connection: keep-alive"), get("/2"), either(two, all(requests(1), statuses(200)))),
	}
	kept := next("1.0 is told of keep-alive", old("Connection: keep-alive"), get("/2"), either(saidKeepAlive, all(requests(1), statuses(200))))
	gone := testCase{name: "upstream's close is not the client's", ref: ref, answer: reply(200, "ok", "Connection: close"), want: all(requests(2), statuses(200, 200)),
		client: []act{send(get("/1")), answers(1), send(get("/2")), answers(2), closeWrite, eof}}
	fifty := testCase{name: "fifty in a row", ref: ref, want: requests(50)}
	for i := range 50 {
		fifty.client = append(fifty.client, send(get("/")), answers(i+1))
	}
	fifty.client = append(fifty.client, closeWrite, eof)
	quiet := testCase{name: "idle connection is closed without a word", ref: "RFC 9112 9.5", with: settings{idle: 200 * time.Millisecond},
		client: []act{send(get("/1")), answers(1), eof}, want: either(statuses(200), statuses(200, 408))}
	runCases(t, append(rows, kept, gone, fifty, quiet))
}

func saidClose(r *result) error {
	if m := r.answers[0]; !strings.EqualFold(m.value("Connection"), "close") {
		return fmt.Errorf("Connection in the answer is %q before the gateway closes", m.value("Connection"))
	}
	return nil
}

func saidKeepAlive(r *result) error {
	if m := r.answers[0]; len(r.answers) > 1 && !strings.EqualFold(m.value("Connection"), "keep-alive") {
		return fmt.Errorf("Connection in the answer to HTTP/1.0 is %q, and the connection stays", m.value("Connection"))
	}
	return nil
}

func TestPipelining(t *testing.T) {
	const ref = "RFC 9112 9.3.2"
	const bad = "GET / HTTP/1.1\r\nHost: x.test\r\nX-A : b\r\n\r\n"
	row := func(name, bytes string, n int, want check) testCase {
		return testCase{name: name, ref: ref, bytes: bytes, replies: n, want: want}
	}
	// ends waits for the gateway's close: nothing behind a bad request is looked at.
	ends := func(name, bytes string, want check) testCase {
		return testCase{name: name, ref: ref, client: []act{send(bytes), eof}, want: want}
	}
	slow := testCase{name: "answers keep the order", ref: ref, replies: 3, bytes: get("/1") + get("/2") + get("/3"),
		up:   [][]act{{request, send(reply(200, "one")), request, send(reply(201, "two")), request, send(reply(202, "three"))}},
		want: all(statuses(200, 201, 202), targets("/1", "/2", "/3"))}
	slow.ours = connections(1)
	slow.want = either(slow.want, all(statuses(200, 201, 202)))
	drops := testCase{name: "the client leaves with requests behind", ref: ref, ours: wholeRequests(1), want: func(r *result) error {
		if len(r.requests) > 3 {
			return fmt.Errorf("%d requests out of 3", len(r.requests))
		}
		return nil
	}, client: []act{send(get("/1") + get("/2") + get("/3")), await("first"), hangUp, await("over")},
		up: [][]act{{request, tell("first"), eof, tell("over")}}}
	rows := []testCase{
		row("two", get("/1")+get("/2"), 2, all(statuses(200, 200), targets("/1", "/2"))),
		row("ten", strings.Repeat(get("/"), 10), 10, requests(10)),
		row("POST and GET", post("/1", "abc")+get("/2"), 2, all(statuses(200, 200), targets("/1", "/2"), sawBody("abc"))),
		row("POST that looks like GET", post("/1", get("/x"))+get("/2"), 2, all(statuses(200, 200), targets("/1", "/2"), sawBody(get("/x")))),
		row("chunks and GET", chunkedPost("3\r\nabc\r\n0\r\n\r\n")+get("/2"), 2, all(statuses(200, 200), targets("/", "/2"))),
		row("length 0 and GET", with("POST /1", "Content-Length: 0")+get("/2"), 2, all(statuses(200, 200), targets("/1", "/2"))),
		row("a line end between", post("/1", "abc")+"\r\n"+get("/2"), 2, all(statuses(200, 200), targets("/1", "/2"))),
		row("good and 404", get("/1")+get("/2"), 2, requests(2)),
		ends("good, then bad", get("/1")+bad, all(requests(1), statuses(200, 400))),
		ends("bad, then good", bad+get("/2"), all(untouched, statuses(400))),
		ends("good, bad, good", get("/1")+bad+get("/3"), all(requests(1), statuses(200, 400))),
		ends("bad body, then good", chunkedPost("zz\r\n\r\n")+get("/2"), all(wholeRequests(0), either(statuses(400), unclean))),
		ends("two Hosts, then good", raw("GET / HTTP/1.1", "Host: a", "Host: b")+get("/2"), all(untouched, statuses(400))),
		row("line ends around", "\r\n"+get("/1")+"\r\n"+get("/2"), 2, all(statuses(200, 200), targets("/1", "/2"))),
		slow, drops,
	}
	heads := row("HEAD and GET", with("HEAD /1")+get("/2"), 2, all(statuses(200, 200), secondBody("ok")))
	heads.methods = "HEAD GET"
	split := testCase{name: "split in the middle of the second", ref: ref, want: all(statuses(200, 200), targets("/1", "/2")),
		client: []act{send(get("/1") + get("/2")[:9]), answers(1), send(get("/2")[9:]), answers(2), closeWrite, eof}}
	errorsKept := testCase{name: "a refusal of ours keeps the order", ref: ref, bytes: get("/1") + with("TRACE /2"), replies: 2,
		want: either(statuses(200, 405), statuses(200, 200), statuses(200, 501)), ours: all(statuses(200, 405), requests(1))}
	runCases(t, append(rows, heads, split, errorsKept))
}

func TestHalfClose(t *testing.T) {
	const ref = "RFC 9112 9.6"
	gone := testCase{name: "gone by default", ref: "steelyard", want: wholeRequests(1), ours: func(r *result) error {
		if len(r.answers) > 0 && r.answers[0].status < 400 {
			return fmt.Errorf("status %d to a client that is gone", r.answers[0].status)
		}
		return nil
	}, client: []act{send(get("/")), await("got"), closeWrite, eof, await("over")}, up: [][]act{{request, tell("got"), eof, tell("over")}}}
	waits := testCase{name: "waits where configured", ref: ref, with: settings{halfWait: true}, want: statuses(200), ours: connections(1),
		client: []act{send(get("/")), await("got"), closeWrite, tell("half"), answers(1), eof},
		up:     [][]act{{request, tell("got"), await("half"), send(okAnswer)}}}
	waitsPost := waits
	waitsPost.name, waitsPost.client = "waits where configured, POST", append([]act{send(post("/", "abc"))}, waits.client[1:]...)
	stream := testCase{name: "waits where configured, mid-stream", ref: ref, with: settings{halfWait: true}, want: all(status(200), body("abcde")),
		client: []act{send(get("/")), until("abc"), closeWrite, tell("half"), answers(1), eof},
		up:     [][]act{{request, send(chunkedReply("3\r\nabc\r\n")), await("half"), send("2\r\nde\r\n0\r\n\r\n")}}}
	rows := []testCase{waits, waitsPost, stream}
	if target.name == "steelyard" { // nobody else promises it, and waiting for them to do it would only time out
		rows = append(rows, gone)
	}
	runCases(t, rows)
}

func TestClientLeaves(t *testing.T) {
	const ref = "steelyard"
	var rows []testCase
	for _, how := range []struct {
		name string
		how  act
	}{{"close", hangUp}, {"RST", reset}, {"half-close", closeWrite}} {
		if how.name == "half-close" && target.name != "steelyard" {
			continue
		}
		row := func(name string, bytes string, script ...act) testCase {
			return testCase{name: how.name + ", " + name, ref: ref, want: wholeRequests(1), ours: connections(1),
				client: []act{send(bytes), await("go"), how.how, await("over")}, up: [][]act{append(script, tell("go"), eof, tell("over"))}}
		}
		stream := row("mid-stream", get("/"), request, send(chunkedReply("3\r\nabc\r\n")))
		fixed := row("mid-answer", get("/"), request, send(raw("HTTP/1.1 200 OK", "Content-Length: 100")+"abc"))
		upload := row("mid-upload", with("POST /", "Content-Length: 100000")+strings.Repeat("x", 50000), until("xxx"))
		upload.with.streamed, upload.want = true, wholeRequests(0)
		rows = append(rows, row("upstream silent", get("/"), request), row("upstream silent, POST", post("/", "abc"), request),
			row("pipelined bytes behind", get("/")+get("/2"), request), row("half a request behind", get("/")+"GET /2 HT", request),
			stream, fixed, upload)
	}
	runCases(t, rows)
}
