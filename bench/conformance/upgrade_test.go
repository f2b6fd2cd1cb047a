package conformance

import (
	"fmt"
	"testing"
)

func TestUpgrade(t *testing.T) {
	const ref = "RFC 9110 7.8"
	ask := get("/ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
	accept := raw("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
	tunnel := func(name string, client, up []act) testCase {
		return testCase{name: name, ref: ref, client: append([]act{send(ask)}, client...), up: [][]act{append([]act{head}, up...)},
			want: all(status(101), got("Upgrade", "websocket"), got("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))}
	}
	header := tunnel("handshake fields both ways", []act{until("101 "), hangUp}, []act{send(accept), eof})
	header.want = all(header.want, sawSome("Upgrade", "websocket"), sawSome("Connection", "pgrade"),
		saw("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), saw("Sec-WebSocket-Version", "13"), gotSome("Connection", "pgrade"))
	early := tunnel("bytes right behind the request", []act{until("got early"), hangUp}, []act{send(accept), until("early"), send("got early"), eof})
	early.client[0] = send(ask + "early")
	talk := tunnel("both directions", []act{until("101 "), send("ping"), until("pong"), send("more"), until("done"), hangUp},
		[]act{send(accept), until("ping"), send("pong"), until("more"), send("done"), eof})
	refusal := func(name, answer string, code int, text string) testCase {
		return testCase{name: name, ref: ref, client: []act{send(ask), answers(1), closeWrite, eof}, up: once(answer),
			want: all(status(code), body(text))}
	}
	// Whether the other side may speak this protocol is for the client to judge.
	odd := func(name, answer string) testCase {
		return testCase{name: name, ref: ref, bytes: ask, up: [][]act{{head, send(answer), closeWrite}},
			want: either(gatewayError, all(status(101), interim()))}
	}
	runCases(t, append([]testCase{
		header, early, talk,
		tunnel("a frame glued to the 101", []act{until("glued"), hangUp}, []act{send(accept + "glued"), eof}),
		tunnel("binary", []act{until("101 "), send("\x00\xff\x81\r\n"), until("\x00\x88\xff"), hangUp}, []act{send(accept), until("\x00\xff\x81\r\n"), send("\x00\x88\xff"), eof}),
		tunnel("upstream closes", []act{until("101 "), eof}, []act{send(accept), hangUp}),
		tunnel("upstream half-closes", []act{until("last"), eof, hangUp}, []act{send(accept + "last"), closeWrite, eof}),
		tunnel("upstream resets", []act{until("101 "), tell("up"), eof}, []act{send(accept), await("up"), reset}),
		tunnel("client closes", []act{until("101 "), hangUp, await("over")}, []act{send(accept), eof, tell("over")}),
		tunnel("client half-closes", []act{until("101 "), send("last"), closeWrite, await("over")}, []act{send(accept), until("last"), eof, tell("over")}),
		tunnel("client resets", []act{until("101 "), reset, await("over")}, []act{send(accept), eof, tell("over")}),
		refusal("refused with 403", reply(403, "no"), 403, "no"), refusal("refused with 426", reply(426, "no", "Upgrade: websocket"), 426, "no"),
		refusal("ignored", reply(200, "ok"), 200, "ok"),
		odd("101 without Upgrade", raw("HTTP/1.1 101 X", "X-A: b")),
		odd("101 to another protocol", raw("HTTP/1.1 101 X", "Connection: Upgrade", "Upgrade: evil")),
	}, upgradeRequests()...))
}

// upgradeRequests are asks that are none, or only half of one.
func upgradeRequests() []testCase {
	const ref = "RFC 9110 7.8"
	const up = "Upgrade: websocket"
	old := good("not from HTTP/1.0", ref, raw("GET / HTTP/1.0", "Host: x.test", "Connection: Upgrade", up), sawNo("Upgrade"))
	old.ours, old.want = old.want, passed
	unnamed := good("not without Connection", ref, get("/", up), sawNo("Upgrade"))
	unnamed.ours, unnamed.want = unnamed.want, passed
	empty := good("Connection: Upgrade alone", ref, get("/", "Connection: Upgrade"), sawNo("Upgrade"))
	ignored := testCase{name: "ignored, and the next request is one", ref: ref, replies: 2, want: all(statuses(200, 200), wholeRequests(2)),
		bytes: get("/1", "Connection: Upgrade", up) + get("/2")}
	ignored.want = either(ignored.want, statuses(200)) // bytes behind an upgrade may be taken for the other protocol's
	ignored.client = []act{send(get("/1", "Connection: Upgrade", up)), answers(1), send(get("/2")), answers(2), closeWrite, eof}
	posted := testCase{name: "POST with a body", ref: ref, bytes: post("/", "abc", "Connection: Upgrade", up),
		want: func(r *result) error {
			m, err := r.request()
			if err == nil && string(m.body) != "abc" {
				err = fmt.Errorf("body at the upstream is %q", m.body)
			}
			return err
		}}
	list := testCase{name: "one of two protocols", ref: ref, client: []act{send(get("/", "Connection: keep-alive, Upgrade", "Upgrade: websocket, x")), until("glued"), hangUp},
		up:   [][]act{{head, send(raw("HTTP/1.1 101 X", "Connection: Upgrade", "Upgrade: websocket") + "glued"), eof}},
		want: status(101)}
	return []testCase{old, unnamed, empty, ignored, posted, list}
}
