package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestStreaming goes in lockstep: the upstream sends a part only once the client has the one before.
func TestStreaming(t *testing.T) {
	const ref = "steelyard"
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	const last = "0\r\n\r\n"
	// lockstep plays the parts, and the client must end with all of them, whole.
	lockstep := func(name, head string, wrap func(string) string, end string, parts ...string) testCase {
		c := testCase{name: name, ref: ref, want: all(statuses(200), body(strings.Join(parts, ""))), client: []act{send(get("/"))}}
		script := []act{request, send(head)}
		for i, part := range parts {
			script = append(script, send(wrap(part)), await(fmt.Sprint(i)))
			c.client = append(c.client, until(part), tell(fmt.Sprint(i)))
		}
		script = append(script, send(end))
		if end == "" {
			script = append(script, closeWrite)
		}
		c.client = append(c.client, answers(1), closeWrite, eof)
		c.up = [][]act{script}
		return c
	}
	plain := func(s string) string { return s }
	events := []string{"data: {\"a\":1}\n\n", "data: {\"b\":2}\n\n", ": ping\n\n", "data: [DONE]\n\n"}
	lines := []string{"{\"a\":1}\n", "{\"b\":2}\n", "{\"done\":true}\n"}
	sse := chunkedReply("", "Content-Type: text/event-stream")
	bare := raw("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Connection: close")
	old := lockstep("events to HTTP/1.0", sse, chunk, last, events...)
	old.client[0] = send(raw("GET / HTTP/1.0", "Host: x.test"))
	headers := lockstep("header before the first event", sse, chunk, last, "data: 1\n\n")
	headers.client = slices.Insert(headers.client, 1, until("200 OK"), until("\r\n\r\n"), tell("header"))
	headers.up[0] = slices.Insert(headers.up[0], 2, await("header"))
	bareHeaders := lockstep("header before the first byte, until the end", bare, plain, "", "data: 1\n\n")
	bareHeaders.client = slices.Insert(bareHeaders.client, 1, until("200 OK"), until("\r\n\r\n"), tell("header"))
	bareHeaders.up[0] = slices.Insert(bareHeaders.up[0], 2, await("header"))
	post := lockstep("answer to a POST", sse, chunk, last, events...)
	post.client[0] = send(chunkedPost("3\r\nabc\r\n0\r\n\r\n"))
	tiny := lockstep("a byte at a time", sse, chunk, last, strings.Split("data: abcdefgh\n\n", "")...)
	hundred := make([]string, 100)
	for i := range hundred {
		hundred[i] = fmt.Sprintf("data: %d\n\n", i)
	}
	half := lockstep("half a chunk is not held back", sse, plain, "\r\n0\r\n\r\n", "a\r\ndata:", " 5678")
	half.want = all(statuses(200), body("data: 5678"))
	half.client = []act{send(get("/")), until("data:"), tell("0"), until("5678"), tell("1"), answers(1), closeWrite, eof}
	parts := []string{strings.Repeat("x", 30000) + "END1", strings.Repeat("y", 70000) + "END2"}
	large := testCase{name: "large chunks", ref: ref, want: all(statuses(200), body(parts[0]+parts[1])),
		client: []act{send(get("/")), until("END1"), tell("1"), until("END2"), tell("2"), answers(1), closeWrite, eof},
		up:     [][]act{{request, send(sse + chunk(parts[0])), await("1"), send(chunk(parts[1])), await("2"), send(last)}}}
	// Of a fixed length the last 4 KiB may wait for the rest.
	fixed := testCase{name: "large fixed parts", ref: ref, want: all(statuses(200), body(strings.Repeat("x", 100000))),
		client: []act{send(get("/")), until(strings.Repeat("x", 40000)), tell("1"), answers(1), closeWrite, eof},
		up: [][]act{{request, send(raw("HTTP/1.1 200 OK", "Content-Length: 100000") + strings.Repeat("x", 50000)), await("1"),
			send(strings.Repeat("x", 50000))}}}
	gz := lockstep("gzip is not touched", chunkedReply("", "Content-Type: text/event-stream", "Content-Encoding: gzip"), chunk, last, "\x1f\x8b\x08", "\x00abc")
	runCases(t, []testCase{
		lockstep("events in chunks", sse, chunk, last, events...), lockstep("events until the end", bare, plain, "", events...),
		lockstep("events until the end, HTTP/1.0", raw("HTTP/1.0 200 OK", "Content-Type: text/event-stream"), plain, "", events...),
		lockstep("lines in chunks", chunkedReply("", "Content-Type: application/x-ndjson"), chunk, last, lines...),
		lockstep("chunks of no type", chunkedReply(""), chunk, last, "abc", "def"),
		lockstep("chunks of plain text", chunkedReply("", "Content-Type: text/plain"), chunk, last, "abc", "def"),
		lockstep("a hundred events", sse, chunk, last, hundred...), large, fixed,
		old, headers, bareHeaders, post, tiny, half, gz, slowReader(),
	})
}

// slowReader stops reading: the upstream must be made to wait, and what it sent must arrive whole in the end.
func slowReader() testCase {
	return testCase{name: "a slow reader slows the upstream", ref: "steelyard", want: all(status(200), either(complete, unclean)),
		client: []act{hold(1000), send(get("/")), await("full"), resume, until("xxx"), hangUp},
		up:     [][]act{{request, send(chunkedReply("")), flood(64<<20, 500*time.Millisecond), tell("full")}}}
}

// TestErrorEvents are streams that the gateway has to end for the upstream.
func TestErrorEvents(t *testing.T) {
	const ref = "steelyard"
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	row := func(name, kind, sent string, ours check, end act, lines ...string) testCase {
		answer := chunkedReply(chunk(sent), append(lines, "Content-Type: "+kind)...)
		return testCase{name: name, ref: ref, want: all(status(200), unclean), ours: ours,
			client: []act{send(get("/")), until(sent), tell("seen"), eof},
			up:     [][]act{{request, send(answer), await("seen"), end, eof}}}
	}
	const sse = "text/event-stream"
	tail := func(want string) check {
		return func(r *result) error {
			if got := string(r.answers[0].body); !strings.HasPrefix(got, want) || strings.Count(got, `"error"`) != 1 || !strings.HasSuffix(got, "}\n\n") {
				return fmt.Errorf("body %q, want %q… with one error event", got, want)
			}
			return nil
		}
	}
	lineTail := func(want string) check {
		return func(r *result) error {
			got := string(r.answers[0].body)
			if !strings.HasPrefix(got, want+`{"error"`) || !strings.HasSuffix(got, "}\n") || strings.HasSuffix(got, "\n\n") {
				return fmt.Errorf("body %q, want %q and a line with the error", got, want)
			}
			return nil
		}
	}
	exactly := func(want string) check {
		return func(r *result) error {
			if got := string(r.answers[0].body); got != want {
				return fmt.Errorf("body %q, want %q and nothing more", got, want)
			}
			return nil
		}
	}
	rows := []testCase{
		row("cut between events", sse, "data: 1\n\n", tail("data: 1\n\ndata: {\"error\""), closeWrite),
		row("cut by RST", sse, "data: 1\n\n", tail("data: 1\n\ndata: {\"error\""), reset),
		row("cut in an event", sse, "data: 1\n\ndata: {\"a", tail("data: 1\n\ndata: {\"a\n\ndata: {\"error\""), closeWrite),
		row("cut after an event's line", sse, "data: 1\n", tail("data: 1\n"), closeWrite),
		row("cut with CR LF lines", sse, "data: 1\r\n\r\n", tail("data: 1\r\n\r\ndata: {\"error\""), closeWrite),
		row("type with a parameter", sse+"; charset=utf-8", "data: 1\n\n", tail("data: 1\n\ndata: {\"error\""), closeWrite),
		row("type in another case", "Text/Event-Stream", "data: 1\n\n", tail("data: 1\n\ndata: {\"error\""), closeWrite),
		row("malformed chunk", sse, "data: 1\n\n", tail("data: 1\n\ndata: {\"error\""), send("zz\r\n")),
		row("gzip gets no event", sse, "\x1f\x8b\x08abc", exactly("\x1f\x8b\x08abc"), closeWrite, "Content-Encoding: gzip"),
		row("identity coding gets one", sse, "data: 1\n\n", tail("data: 1\n\ndata: {\"error\""), closeWrite, "Content-Encoding: identity"),
		row("lines", "application/x-ndjson", "{\"a\":1}\n", lineTail("{\"a\":1}\n"), closeWrite),
		row("cut in a line", "application/x-ndjson", "{\"a\":1}\n{\"b", lineTail("{\"a\":1}\n{\"b\n"), closeWrite),
		row("plain text gets none", "text/plain", "abc", exactly("abc"), closeWrite),
		row("JSON gets none", "application/json", "{\"a\"", exactly("{\"a\""), closeWrite),
	}
	rows[7].up[0] = slices.Insert(rows[7].up[0], 4, act(closeWrite))
	stall := row("silence", sse, "data: 1\n\n", tail("data: 1\n\ndata: {\"error\""), eof)
	stall.with.silence = 300 * time.Millisecond
	runCases(t, append(rows, stall))
}
