package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCutUploads ends requests before they are whole: the upstream must never take one for a whole request.
func TestCutUploads(t *testing.T) {
	const ref = "RFC 9112 8"
	var rows []testCase
	for _, cut := range []struct{ name, bytes string }{
		{"in the request line", "POST /x"},
		{"in the header", "POST / HTTP/1.1\r\nHost: x.test\r\nX-A"},
		{"before the blank line", "POST / HTTP/1.1\r\nHost: x.test\r\n"},
		{"before any body", with("POST /", "Content-Length: 10")},
		{"in the body", with("POST /", "Content-Length: 10") + "abc"},
		{"one byte short", with("POST /", "Content-Length: 10") + "abcdefghi"},
		{"large body", with("POST /", "Content-Length: 300000") + strings.Repeat("x", 200000)},
		{"before any chunk", chunkedPost("")},
		{"in a size", chunkedPost("3")},
		{"after a size", chunkedPost("3\r\n")},
		{"in a chunk", chunkedPost("3\r\nab")},
		{"after chunk data", chunkedPost("3\r\nabc")},
		{"between chunks", chunkedPost("3\r\nabc\r\n")},
		{"between large chunks", chunkedPost(fmt.Sprintf("%x\r\n%s\r\n", 100000, strings.Repeat("x", 100000)))},
		{"in the last chunk", chunkedPost("3\r\nabc\r\n0\r")},
		{"in the trailer", chunkedPost("3\r\nabc\r\n0\r\nX-T: u\r\n")},
		{"after the last size", chunkedPost("3\r\nabc\r\n0\r\n")},
	} {
		c := testCase{name: cut.name, ref: ref, client: []act{send(cut.bytes), closeWrite, eof}, want: rejected}
		rows = append(rows, c)
	}
	runCases(t, rows)
	runCases(t, named("streamed", rows, func(c *testCase) { c.with.streamed = true }))
	runCases(t, named("half-close waits,", rows, func(c *testCase) { c.with.halfWait = true }))
	runCases(t, brokenUploads())
}

// brokenUploads end while the upstream watches.
func brokenUploads() []testCase {
	const ref = "RFC 9112 8"
	var rows []testCase
	for _, body := range []struct{ name, bytes, first string }{
		{"fixed", with("POST /", "Content-Length: 100000") + strings.Repeat("x", 50000), "xxx"},
		{"chunked", chunkedPost(fmt.Sprintf("%x\r\n%s\r\n", 50000, strings.Repeat("x", 50000))), "xxx"},
	} {
		for _, leave := range []struct {
			name string
			how  act
		}{{"FIN", closeWrite}, {"close", hangUp}, {"RST", reset}} {
			rows = append(rows, testCase{name: "streamed " + body.name + " then " + leave.name, ref: ref,
				with:   settings{streamed: true},
				client: []act{send(body.bytes), await("begun"), leave.how, eof, await("over")},
				up:     [][]act{{until(body.first), tell("begun"), eof, tell("over")}},
				want:   all(wholeRequests(0)), ours: connections(1)})
		}
	}
	return rows
}

func TestUploads(t *testing.T) {
	const ref = "RFC 9110 7.7"
	var every strings.Builder
	for i := range 256 {
		every.WriteByte(byte(i))
	}
	binary, large := every.String(), strings.Repeat("0123456789abcdef", 1<<16)
	chunks := func(s string, size int) string {
		var b strings.Builder
		for part := range slices.Chunk([]byte(s), size) {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
		}
		return b.String() + "0\r\n\r\n"
	}
	rows := []testCase{
		good("every byte", ref, post("/", binary), sawBody(binary)),
		good("every byte in chunks", ref, chunkedPost(chunks(binary, 7)), sawBody(binary)),
		good("1 MB", ref, post("/", large), sawBody(large)),
		good("1 MB in large chunks", ref, chunkedPost(chunks(large, 300000)), sawBody(large)),
		good("100 kB in small chunks", ref, chunkedPost(chunks(large[:100000], 50)), sawBody(large[:100000])),
		good("PUT", ref, with("PUT /", "Content-Length: 3")+"abc", sawBody("abc")),
		good("DELETE with a body", ref, with("DELETE /", "Content-Length: 3")+"abc", sawBody("abc")),
		good("HTTP/1.0", ref, raw("POST / HTTP/1.0", "Host: x.test", "Content-Length: 3")+"abc", sawBody("abc")),
		free("GET with a body", ref, with("GET /", "Content-Length: 3")+"abc", sawBody("abc")),
		free("OPTIONS with a body", ref, with("OPTIONS /", "Content-Length: 3")+"abc", sawBody("abc")),
		good("POST of nothing", ref, with("POST /"), sawBody("")),
		good("Content-Type stays", ref, post("/", "{}", "Content-Type: application/json; charset=x"),
			saw("Content-Type", "application/json; charset=x")),
		good("Content-Encoding stays", ref, post("/", "zzz", "Content-Encoding: gzip"), saw("Content-Encoding", "gzip")),
		good("multipart as it is", ref, post("/", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n",
			"Content-Type: multipart/form-data; boundary=b"), sawSome("Content-Type", "boundary=b")),
		good("form as it is", ref, post("/", "b=2&a=1&a=%20+", "Content-Type: application/x-www-form-urlencoded"),
			sawBody("b=2&a=1&a=%20+")),
	}
	head := free("HEAD with a body", ref, with("HEAD /", "Content-Length: 3")+"abc", sawBody("abc"))
	head.methods = "HEAD"
	slow := good("a byte at a time", ref, "", sawBody("abcdef"))
	slow.client = []act{drip(post("/", "abcdef")), answers(1), closeWrite, eof}
	slowChunks := good("chunks a byte at a time", ref, "", sawBody("abcdef"))
	slowChunks.client = []act{drip(chunkedPost("2;x=y\r\nab\r\n4\r\ncdef\r\n0\r\nX-T: u\r\n\r\n")), answers(1), closeWrite, eof}
	rows = append(rows, head, slow, slowChunks)
	runCases(t, rows)
	runCases(t, named("streamed", rows, func(c *testCase) { c.with.streamed = true }))
}
