package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// TestSwitching is about protocols and codings that are asked for, and may not be had through the gateway.
func TestSwitching(t *testing.T) {
	const ref = "RFC 9110 7.8"
	const settings2 = "HTTP2-Settings: AAMAAABkAAQAAP__"
	// never is a request whose wish is not passed on; it is served as if it had none.
	never := func(name string, lines ...string) testCase {
		return testCase{name: name, ref: ref, bytes: get("/", lines...), want: either(rejected, passed), ours: all(passed, sawNoValue("Upgrade", "h2"),
			sawNo("HTTP2-Settings"), func(r *result) error {
				m, err := r.request()
				if err == nil && strings.Contains(strings.ToLower(m.value("Connection")), "settings") {
					err = fmt.Errorf("Connection at the upstream is %q", m.value("Connection"))
				}
				return err
			})}
	}
	insists := never("h2c, and the upstream takes it", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", settings2)
	insists.up = [][]act{{head, send(raw("HTTP/1.1 101 X", "Connection: Upgrade", "Upgrade: h2c") + "EVIL"), closeWrite}}
	insists.want, insists.ours = func(*result) error { return nil }, all(gatewayError, clientNever("EVIL"))
	needed := testCase{name: "426 says which protocol", ref: "RFC 9110 15.5.22", bytes: get("/"), answer: reply(426, "no", "Connection: Upgrade", "Upgrade: websocket"),
		want: statuses(426), ours: all(got("Upgrade", "websocket"), gotSome("Connection", "pgrade"))}
	offered := testCase{name: "200 offers nothing", ref: ref, bytes: get("/"), answer: reply(200, "ok", "Connection: Upgrade", "Upgrade: h2c"),
		want: passed, ours: gotNo("Upgrade")}
	const websocket, key = "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
	accept := raw("HTTP/1.1 101 X", "Connection: Upgrade", websocket, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
	tunnel := func(name, bytes string) testCase {
		return testCase{name: name, ref: ref, client: []act{send(bytes), until("glued"), hangUp}, up: [][]act{{head, send(accept + "glued"), eof}}, want: status(101)}
	}
	refusedNext := testCase{name: "refused, and the next request is one", ref: ref, want: all(statuses(403, 200), targets("/ws", "/2")),
		client: []act{send(get("/ws", "Connection: Upgrade", websocket, key)), answers(1), send(get("/2")), answers(2), closeWrite, eof},
		up:     [][]act{{request, send(reply(403, "no")), thenServe}}}
	runCases(t, []testCase{
		never("h2c", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", settings2),
		never("h2c in upper case", "Connection: Upgrade, HTTP2-Settings", "Upgrade: H2C", settings2),
		never("h2c without settings", "Connection: Upgrade", "Upgrade: h2c"),
		never("h2c not named", "Upgrade: h2c", settings2),
		never("h2c among others", "Connection: Upgrade, HTTP2-Settings", "Upgrade: websocket, h2c", settings2),
		never("h2c in a line of its own, first", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", websocket, settings2),
		never("h2c in a line of its own, last", "Connection: Upgrade, HTTP2-Settings", websocket, "Upgrade: h2c", settings2),
		never("h2", "Connection: Upgrade", "Upgrade: h2"), never("HTTP/2.0", "Connection: Upgrade", "Upgrade: HTTP/2.0, h2"),
		insists, needed, offered, refusedNext,
		tunnel("with length 0", get("/ws", "Connection: Upgrade", websocket, key, "Content-Length: 0")),
		tunnel("in lower case", get("/ws", "connection: upgrade", "upgrade: websocket", key)),
		tunnel("in another case", get("/ws", "Connection: UPGRADE", "Upgrade: WebSocket", key)),
		tunnel("in the second line of Connection", get("/ws", "Connection: keep-alive", "Connection: Upgrade", websocket, key)),
	})
}

// TestCodings is about TE and Trailer, which concern one connection each.
func TestCodings(t *testing.T) {
	const ref = "RFC 9110 10.1.4"
	row := func(name string, ours check, bytes string) testCase {
		return testCase{name: name, ref: ref, bytes: bytes, want: either(rejected, passed), ours: all(passed, ours)}
	}
	named := func(r *result) error {
		m, err := r.request()
		if err == nil && !strings.EqualFold(m.value("Connection"), "TE") {
			err = fmt.Errorf("Connection at the upstream is %q beside TE: %s", m.value("Connection"), m.value("TE"))
		}
		return err
	}
	runCases(t, []testCase{
		row("trailers are asked for further on", all(saw("TE", "trailers"), named), get("/", "Connection: TE", "TE: trailers")),
		row("trailers and gzip", all(saw("TE", "trailers"), named), get("/", "Connection: TE", "TE: gzip;q=0.5, trailers")),
		row("trailers in upper case", all(saw("TE", "trailers"), named), get("/", "Connection: te", "TE: TRAILERS")),
		row("chunked alone", sawNo("TE"), get("/", "Connection: TE", "TE: chunked")),
		row("nothing", sawNo("TE"), get("/", "Connection: TE", "TE:")),
		row("Trailer without chunks", sawNo("Trailer"), post("/", "abc", "Trailer: X-T")),
		row("Trailer with chunks and a trailer", sawTrailer("X-T", "u"), chunkedPost("3\r\nabc\r\n0\r\nX-T: u\r\n\r\n", "Trailer: X-T")),
		row("Trailer in an answer without chunks", sawNo("Trailer"), get("/")),
	})
}
