package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestBodyLimit(t *testing.T) {
	const ref = "RFC 9110 15.5.14"
	const limit = 10000
	small := settings{bodyLimit: limit}
	fill := func(n int) string { return strings.Repeat("x", n) }
	row := func(name, bytes string, want, ours check) testCase {
		return testCase{name: name, ref: ref, with: small, bytes: bytes, want: want, ours: ours}
	}
	chunk := func(n int) string { return fmt.Sprintf("%x\r\n%s\r\n", n, fill(n)) }
	chunks := row("chunks over it", chunkedPost(chunk(6000)+chunk(6000)+"0\r\n\r\n"), rejected, all(rejected, status(413), complete))
	endless := row("chunks without end", chunkedPost(strings.Repeat(chunk(6000), 20)), rejected, all(rejected, status(413), complete))
	huge := row("one huge chunk announced", chunkedPost("fffffff\r\n"+fill(20000)), rejected, all(rejected, status(413), complete))
	// Nothing of the body may be awaited when its length alone is too much.
	before := row("by length, before the body", with("POST /", "Content-Length: 20000"), rejected, refused(413))
	// The answer must survive that the client is still sending: it reads only when it has sent all.
	reads := row("answer readable after 1 MB", "", rejected, refused(413))
	reads.client = []act{hold(0), send(post("/", fill(1<<20))), resume, answers(1), eof}
	readsMore := row("answer readable in the middle of 64 MB", "", rejected, refused(413))
	readsMore.client = []act{send(with("POST /", "Content-Length: 67108864") + fill(3<<20)), answers(1), eof}
	// Whoever reads the unwanted body to its end may go on with what follows it, and nothing else.
	next := row("what follows the body", "", either(rejected, all(statuses(413, 200), targets("/smuggled"))), status(413))
	next.client = []act{send(post("/", fill(20000)) + smuggled), answers(2), closeWrite, eof}
	rows := []testCase{
		row("exactly it", post("/", fill(limit)), all(passed, sawBody(fill(limit))), nil),
		row("exactly it in chunks", chunkedPost(chunk(4000)+chunk(6000)+"0\r\n\r\n"), all(passed, sawBody(fill(limit))), nil),
		row("one over", post("/", fill(limit+1)), rejected, refused(413)),
		row("one over in chunks", chunkedPost(chunk(4000)+chunk(6001)+"0\r\n\r\n"), rejected, all(rejected, status(413), complete)),
		row("far over", post("/", fill(50000)), rejected, refused(413)),
		before, next, reads, readsMore,
	}
	// HAProxy has a limit only on what it holds, so that chunks are none of its business.
	if target.name != "haproxy" {
		rows = append(rows, chunks, endless, huge)
	} else {
		rows = rows[:0]
	}
	runCases(t, rows)
	runCases(t, named("streamed", rows, func(c *testCase) { c.with.streamed = true }))
}

func TestSlowClients(t *testing.T) {
	const ref = "RFC 9110 15.5.9"
	brief := settings{header: 300 * time.Millisecond, body: 300 * time.Millisecond}
	stall := func(name, bytes string, ours check) testCase {
		return testCase{name: name, ref: ref, with: brief, client: []act{send(bytes), eof}, want: rejected, ours: ours}
	}
	body := with("POST /", "Content-Length: 10") + "abc"
	row := stall("in the body, streamed", body, all(rejected, status(408), complete))
	row.with.streamed = true
	chunk := stall("between chunks, streamed", chunkedPost("3\r\nabc\r\n"), all(rejected, status(408), complete))
	chunk.with.streamed = true
	second := stall("in the second header", get("/1")+"GET /2 HTTP/1.1\r\nHo", statuses(200, 408))
	second.want = requests(1)
	runCases(t, []testCase{
		stall("in the request line", "GET /", refused(408)), stall("in the header", "GET / HTTP/1.1\r\nHost: x.test\r\nX-A", refused(408)),
		stall("before the blank line", "GET / HTTP/1.1\r\nHost: x.test\r\n", refused(408)),
		stall("before the body", with("POST /", "Content-Length: 10"), all(rejected, status(408), complete)),
		stall("in the body", body, all(rejected, status(408), complete)),
		stall("between chunks", chunkedPost("3\r\nabc\r\n"), all(rejected, status(408), complete)),
		stall("in a chunk size", chunkedPost("3\r\nabc\r\n1"), all(rejected, status(408), complete)),
		stall("saying nothing", "", untouched), row, chunk, second,
	})
}
