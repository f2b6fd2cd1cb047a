package conformance

import (
	"fmt"
	"strings"
)

// The shapes that most rows have. Names of rows say what is sent; the shape says what must come of it.

// bad must be refused by anybody; steelyard says 400 unless codes are given.
func bad(name, ref, bytes string, codes ...int) testCase {
	if codes == nil {
		codes = []int{400}
	}
	return testCase{name: name, ref: ref, bytes: bytes, want: rejected, ours: refused(codes...)}
}

// lax may be passed on by others, if it is well formed there; steelyard refuses it, with 400 unless codes are given.
func lax(name, ref, bytes string, codes ...int) testCase {
	c := bad(name, ref, bytes, codes...)
	c.want = either(rejected, passed)
	return c
}

// free may be passed on or refused by anybody.
func free(name, ref, bytes string, checks ...check) testCase {
	return testCase{name: name, ref: ref, bytes: bytes, want: either(rejected, all(passed, all(checks...)))}
}

// good must be passed on, and the checks must hold.
func good(name, ref, bytes string, checks ...check) testCase {
	return testCase{name: name, ref: ref, bytes: bytes, want: all(passed, all(checks...))}
}

// get is a request without a body for a target, with further field lines.
func get(target string, lines ...string) string { return with("GET "+target, lines...) }

// with is a request from its method and target, with a Host and further field lines.
func with(start string, lines ...string) string {
	return raw(start+" HTTP/1.1", append([]string{"Host: x.test"}, lines...)...)
}

// raw is a message's header from its start line and field lines.
func raw(start string, lines ...string) string {
	return strings.Join(append([]string{start}, lines...), "\r\n") + "\r\n\r\n"
}

// post is a request with a body and a Content-Length.
func post(target, body string, lines ...string) string {
	return with("POST "+target, append(lines, fmt.Sprintf("Content-Length: %d", len(body)))...) + body
}

// chunkedPost is a request whose body is on the wire as given.
func chunkedPost(wire string, lines ...string) string {
	return with("POST /", append(lines, "Transfer-Encoding: chunked")...) + wire
}

// reply is an answer with a Content-Length.
func reply(code int, body string, lines ...string) string {
	return raw(fmt.Sprintf("HTTP/1.1 %d X", code), append(lines, fmt.Sprintf("Content-Length: %d", len(body)))...) + body
}

// chunkedReply is a 200 whose body is on the wire as given.
func chunkedReply(wire string, lines ...string) string {
	return raw("HTTP/1.1 200 OK", append(lines, "Transfer-Encoding: chunked")...) + wire
}

// smuggled follows a message whose framing is in doubt: it must never be a request of its own.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x.test\r\n\r\n"

// named gives rows a prefix, so that a table can be used twice.
func named(prefix string, cases []testCase, change func(*testCase)) []testCase {
	out := make([]testCase, len(cases))
	for i, c := range cases {
		c.name = prefix + " " + c.name
		change(&c)
		out[i] = c
	}
	return out
}
