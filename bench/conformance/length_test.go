package conformance

import (
	"fmt"
	"testing"
)

// framed is a POST with the given framing fields and bytes after its header, and a request behind it that must not
// be taken for one of its own while the first is in doubt.
func framed(after string, lines ...string) string {
	return with("POST /first", lines...) + after + smuggled
}

// doubtful must be refused: nobody may guess where such a request ends.
func doubtful(name, ref, bytes string) testCase {
	c := bad(name, ref, bytes)
	c.closes = true
	return c
}

func TestContentLength(t *testing.T) {
	const ref = "RFC 9112 6.3"
	length := func(v string) string { return framed("abc", "Content-Length: "+v) }
	two := func(body string) check { return all(statuses(200, 200), sawBody(body), targets("/first", "/smuggled")) }
	pair := func(name, after, body string, lines ...string) testCase {
		return testCase{name: name, ref: ref, bytes: framed(after, lines...), replies: 2, want: two(body)}
	}
	maybe := func(name, after, body string, lines ...string) testCase {
		c := pair(name, after, body, lines...)
		c.want = either(rejected, two(body))
		return c
	}
	strict := func(name, after, body string, lines ...string) testCase {
		c := maybe(name, after, body, lines...)
		c.ours = refused(400)
		return c
	}
	rows := []testCase{
		pair("3", "abc", "abc", "Content-Length: 3"),
		pair("0", "", "", "Content-Length: 0"),
		pair("none", "", ""),
		pair("lower-case name", "abc", "abc", "content-length: 3"),
		pair("no space after colon", "abc", "abc", "Content-Length:3"),
		maybe("white space around", "abc", "abc", "Content-Length: \t 3 \t"),
		maybe("leading zeros", "abc", "abc", "Content-Length: 003"),
		maybe("many leading zeros", "abc", "abc", "Content-Length: 00000000000000000000000003"),
		strict("list of the same", "abc", "abc", "Content-Length: 3, 3"),
		strict("twice the same", "abc", "abc", "Content-Length: 3", "Content-Length: 3"),
		strict("twice the same, apart", "abc", "abc", "Content-Length: 3", "X-A: b", "content-length: 3"),
		strict("obs-fold", "abc", "abc", "Content-Length:", " 3"),
		doubtful("twice different", ref, framed("abc", "Content-Length: 3", "Content-Length: 0")),
		doubtful("twice different, larger last", ref, framed("abc", "Content-Length: 3", "Content-Length: 45")),
		doubtful("twice, one empty", ref, framed("abc", "Content-Length: 3", "Content-Length:")),
		doubtful("twice, one bad", ref, framed("abc", "Content-Length: x", "Content-Length: 3")),
		doubtful("twice, 3 and 03", ref, framed("abc", "Content-Length: 3", "Content-Length: 03")),
		doubtful("space before colon", "RFC 9112 5.1", framed("abc", "Content-Length : 3")),
		doubtful("tab before colon", "RFC 9112 5.1", framed("abc", "Content-Length\t: 3")),
		doubtful("fold into digits", ref, framed("abc", "Content-Length: 3", " 4")),
	}
	for _, v := range []string{"", "+3", "-1", "-0", "0x3", "3a", "a", "3 3", "3,4", "3,", ",3", "3;", "1e1", "3.0", `"3"`, "３", "\x0b3", "3\x0b",
		"\x003", "3\x00", "\u00a03", "0b11", "3_0", "18446744073709551619", "99999999999999999999", "9223372036854775808",
		"340282366920938463463374607431768211459"} {
		rows = append(rows, doubtful(fmt.Sprintf("value %q", v), ref, length(v)))
	}
	huge := bad("value 2^63-1", "RFC 9110 15.5.14", length("9223372036854775807"), 400, 413)
	under := testCase{name: "underscore look-alike", ref: "steelyard", bytes: framed("abc", "Content-Length: 3", "Content_Length: 0"),
		replies: 2, want: either(rejected, two("abc")), ours: refused(400)}
	alone := testCase{name: "underscore alone", ref: "steelyard", bytes: framed("", "Content_Length: 3"), replies: 2,
		want: either(rejected, two("")), ours: refused(400)}
	named := testCase{name: "named in Connection", ref: "RFC 9110 7.6.1", bytes: framed("abc", "Content-Length: 3", "Connection: Content-Length"),
		replies: 2, want: either(rejected, two("abc"))}
	runCases(t, append(rows, huge, under, alone, named))
}

func TestTransferEncoding(t *testing.T) {
	const ref = "RFC 9112 6.1"
	const chunks = "3\r\nabc\r\n0\r\n\r\n"
	coded := func(lines ...string) string { return framed(chunks, lines...) }
	two := all(statuses(200, 200), sawBody("abc"), targets("/first", "/smuggled"))
	// one allows that the connection is closed after the first, which is what RFC 9112 6.1 asks for in doubt.
	one := all(status(200), sawBody("abc"), either(targets("/first"), targets("/first", "/smuggled")))
	pair := func(name string, lines ...string) testCase {
		return testCase{name: name, ref: ref, bytes: coded(lines...), replies: 2, want: two}
	}
	maybe := func(name string, lines ...string) testCase {
		c := pair(name, lines...)
		c.want = either(rejected, one)
		return c
	}
	strict := func(name string, lines ...string) testCase {
		c := maybe(name, lines...)
		c.ours = refused(400, 501)
		return c
	}
	broken := func(name string, lines ...string) testCase {
		c := doubtful(name, ref, coded(lines...))
		c.ours = refused(400, 501)
		return c
	}
	rows := []testCase{
		pair("chunked", "Transfer-Encoding: chunked"),
		pair("lower-case name", "transfer-encoding: chunked"),
		maybe("upper-case value", "Transfer-Encoding: CHUNKED"),
		maybe("mixed case value", "Transfer-Encoding: Chunked"),
		maybe("white space around", "Transfer-Encoding: \t chunked \t"),
		maybe("no space after colon", "Transfer-Encoding:chunked"),
		strict("chunked, then length", "Transfer-Encoding: chunked", "Content-Length: 3"),
		strict("length, then chunked", "Content-Length: 3", "Transfer-Encoding: chunked"),
		strict("length 0 and chunked", "Content-Length: 0", "Transfer-Encoding: chunked"),
		strict("lower-case names, both", "content-length: 13", "transfer-encoding: chunked"),
		strict("trailing comma", "Transfer-Encoding: chunked,"),
		strict("leading comma", "Transfer-Encoding: , chunked"),
		strict("obs-fold", "Transfer-Encoding:", " chunked"),
		strict("obs-fold, tab", "Transfer-Encoding:", "\tchunked"),
		strict("identity, chunked", "Transfer-Encoding: identity, chunked"),
		strict("identity line, chunked line", "Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
		broken("chunked twice", "Transfer-Encoding: chunked, chunked"),
		broken("chunked in two lines", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
		broken("chunked line, identity line", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
		broken("chunked, identity", "Transfer-Encoding: chunked, identity"),
		broken("chunked, gzip", "Transfer-Encoding: chunked, gzip"),
		broken("gzip", "Transfer-Encoding: gzip"),
		broken("identity", "Transfer-Encoding: identity"),
		broken("identity and length", "Transfer-Encoding: identity", "Content-Length: 3"),
		broken("gzip and length", "Transfer-Encoding: gzip", "Content-Length: 3"),
		broken("empty and length", "Transfer-Encoding:", "Content-Length: 3"),
		broken("empty", "Transfer-Encoding:"),
		broken("space before colon", "Transfer-Encoding : chunked"),
		broken("space before colon, and length", "Transfer-Encoding : chunked", "Content-Length: 3"),
		broken("tab before colon", "Transfer-Encoding\t: chunked"),
		strict("gzip, chunked", "Transfer-Encoding: gzip, chunked"),
		strict("parameter", "Transfer-Encoding: chunked;q=1"),
	}
	for _, v := range []string{"xchunked", "chunkedx", "chunk", "cow", `"chunked"`, "chunked\x0b", "\x0bchunked", "\x00chunked",
		"chunked\x00", "chunked\xa0", "\xc2\xa0chunked", "chun ked", "chunked chunked", "chunked;", "'chunked'", "chun\x00ked"} {
		rows = append(rows, broken(fmt.Sprintf("value %q", v), "Transfer-Encoding: "+v),
			broken(fmt.Sprintf("value %q and length", v), "Transfer-Encoding: "+v, "Content-Length: 3"))
	}
	runCases(t, append(rows, transferCorners(chunks, one, strict)...))
}

// transferCorners are the rows about Transfer-Encoding that do not fit its table.
func transferCorners(chunks string, one check, strict func(string, ...string) testCase) []testCase {
	old := testCase{name: "in HTTP/1.0", ref: "RFC 9112 6.1", ours: refused(400),
		bytes: raw("POST /first HTTP/1.0", "Host: x.test", "Connection: keep-alive", "Transfer-Encoding: chunked") + chunks + smuggled,
		want:  either(rejected, all(wholeRequests(1), status(200)))}
	oldBoth := old
	oldBoth.name = "in HTTP/1.0 with length"
	oldBoth.bytes = raw("POST /first HTTP/1.0", "Host: x.test", "Transfer-Encoding: chunked", "Content-Length: 3") + chunks + smuggled
	under := testCase{name: "underscore look-alike", ref: "steelyard", replies: 2, ours: refused(400),
		bytes: framed("abc", "Transfer_Encoding: chunked", "Content-Length: 3"),
		want:  either(rejected, all(statuses(200, 200), sawBody("abc"), targets("/first", "/smuggled")))}
	alone := testCase{name: "underscore alone", ref: "steelyard", bytes: with("POST /first", "Transfer_Encoding: chunked"),
		want: either(rejected, passed), ours: refused(400)}
	named := testCase{name: "named in Connection", ref: "RFC 9110 7.6.1", want: either(rejected, one), replies: 2,
		bytes: framed(chunks, "Transfer-Encoding: chunked", "Connection: Transfer-Encoding")}
	get := testCase{name: "chunked GET", ref: "RFC 9112 6.1", bytes: with("GET /first", "Transfer-Encoding: chunked") + chunks + smuggled,
		replies: 2, want: either(rejected, one)}
	hidden := strict("behind a bare LF", "X-A: b\nTransfer-Encoding: chunked", "Content-Length: 13")
	hidden.want = either(rejected, all(wholeRequests(1), status(200)), all(wholeRequests(2), statuses(200, 200)))
	return []testCase{old, oldBoth, under, alone, named, get, hidden}
}
