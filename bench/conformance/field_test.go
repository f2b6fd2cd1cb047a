package conformance

import (
	"fmt"
	"strings"
	"testing"
)

func TestFieldNames(t *testing.T) {
	const ref = "RFC 9112 5"
	// dropped is the other way to deal with a line whose name is no name: forward the rest.
	dropped := func(c testCase, text string) testCase {
		c.want = either(rejected, all(passed, upstreamNever(text)))
		return c
	}
	rows := []testCase{
		bad("space before colon", "RFC 9112 5.1", get("/", "X-A : b")),
		bad("tab before colon", "RFC 9112 5.1", get("/", "X-A\t: b")),
		bad("space before colon of Host", "RFC 9112 5.1", raw("GET / HTTP/1.1", "Host : x.test")),
		dropped(bad("space in name", ref, get("/", "X A: b")), "X A"),
		dropped(bad("tab in name", ref, get("/", "X\tA: b")), "X\tA"),
		dropped(bad("leading space on the first line", "RFC 9112 2.2", raw("GET / HTTP/1.1", " X-A: b", "Host: x.test")), "X-A: b"),
		dropped(bad("empty name", ref, get("/", ": b")), ": b"),
		dropped(bad("no colon", ref, get("/", "abc")), "abc"),
		dropped(bad("no colon, last", ref, get("/", "X-A: b", "abc")), "abc"),
		good("underscore in name", "RFC 9110 5.6.2", get("/", "X-B: c")),
		good("digits and dots", "RFC 9110 5.6.2", get("/", "X-1: b"), saw("X-1", "b")),
		good("value with colons", ref, get("/", "X-A: b:c: d"), saw("X-A", "b:c: d")),
	}
	under := free("underscore is a token", "RFC 9110 5.6.2", get("/", "X_A: b"))
	under.ours = all(passed, saw("X_A", "b"))
	all := free("every token character", "RFC 9110 5.6.2", get("/", "X!#$%&'*+-.^`|~9: b"))
	all.ours = saw("X!#$%&'*+-.^`|~9", "b")
	rows = append(rows, under, all)
	for _, c := range []string{"\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x1f", "\x7f"} {
		rows = append(rows, dropped(bad(fmt.Sprintf("control %q in name", c), ref, get("/", "X"+c+"A: b")), "X"+c+"A"))
	}
	for _, c := range strings.Split(`( ) < > @ , ; \ " / [ ] ? = { } é`, " ") {
		row := dropped(bad("delimiter "+c+" in name", ref, get("/", "X"+c+"A: b")), "X"+c+"A")
		row.ours = nil // dropping such a line is as good
		rows = append(rows, row)
	}
	runCases(t, rows)
}

func TestFieldValues(t *testing.T) {
	const ref = "RFC 9110 5.5"
	fold := func(name, bytes string) testCase {
		c := lax(name, "RFC 9112 5.2", bytes)
		return c
	}
	rows := []testCase{
		good("empty", ref, get("/", "X-A:"), saw("X-A", "")),
		good("only spaces", ref, get("/", "X-A:  \t "), saw("X-A", "")),
		good("white space around", ref, get("/", "X-A: \t b c \t"), saw("X-A", "b c")),
		good("no space after colon", ref, get("/", "X-A:b"), saw("X-A", "b")),
		good("tab inside", ref, get("/", "X-A: b\tc"), saw("X-A", "b\tc")),
		good("obs-text", ref, get("/", "X-A: \xff\xfe\x80"), saw("X-A", "\xff\xfe\x80")),
		good("UTF-8", ref, get("/", "X-A: gr\u00fc\u00df"), saw("X-A", "gr\u00fc\u00df")),
		good("quotes and brackets", ref, get("/", `X-A: "a, b" (c) <d> \e`), saw("X-A", `"a, b" (c) <d> \e`)),
		good("long value", ref, get("/", "X-A: "+strings.Repeat("v", 4000)), saw("X-A", strings.Repeat("v", 4000))),
		lax("NUL", ref, get("/", "X-A: b\x00c")),
		lax("NUL at the end", ref, get("/", "X-A: b\x00")),
		lax("bare CR", ref, get("/", "X-A: b\rc")),
		lax("bare CR first", ref, get("/", "X-A: \rb")),
		lax("bare CR last", ref, get("/", "X-A: b\r")),
		lax("bare CR hides a field", ref, get("/", "X-A: b\rTransfer-Encoding: chunked")),
		fold("obs-fold, space", get("/", "X-A: b", " c")),
		fold("obs-fold, tab", get("/", "X-A: b", "\tc")),
		fold("obs-fold of nothing", get("/", "X-A: b", " ")),
		fold("obs-fold after empty value", get("/", "X-A:", " b")),
		fold("obs-fold twice", get("/", "X-A: b", " c", " d")),
		fold("obs-fold like a field", get("/", "X-A: b", " X-B: c")),
		fold("obs-fold of Host", raw("GET / HTTP/1.1", "Host: x.test", " y")),
		fold("obs-fold of the request line", raw("GET / HTTP/1.1", " HTTP/1.1", "Host: x.test")),
	}
	for _, c := range []string{"\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x7f"} {
		rows = append(rows, free(fmt.Sprintf("control %q", c), ref, get("/", "X-A: b"+c+"d")))
	}
	runCases(t, rows)
}

func TestLineEnds(t *testing.T) {
	const ref = "RFC 9112 2.2"
	const host = "Host: x.test\r\n"
	blankLF := lax("LF blank line, then more", ref, "GET / HTTP/1.1\r\n"+host+"\n"+"X-A: b\r\n\r\n")
	blankLF.want = either(rejected, requests(1)) // whoever takes the LF reads a bad second request
	runCases(t, []testCase{
		lax("LF after request line", ref, "GET / HTTP/1.1\n"+host+"\r\n"),
		lax("LF after a field", ref, "GET / HTTP/1.1\r\n"+host+"X-A: b\nX-B: c\r\n\r\n"),
		lax("LF after the last field", ref, "GET / HTTP/1.1\r\n"+host+"X-A: b\n\r\n"),
		lax("LF after Host", ref, "GET / HTTP/1.1\r\nHost: x.test\n\r\n"),
		lax("LF as the blank line", ref, "GET / HTTP/1.1\r\n"+host+"\n"),
		lax("LF everywhere", ref, "GET / HTTP/1.1\nHost: x.test\n\n"),
		blankLF,
		lax("LF in a name", ref, "GET / HTTP/1.1\r\n"+host+"X\nA: b\r\n\r\n"),
		bad("CR after request line", ref, "GET / HTTP/1.1\r"+host+"\r\n"),
		lax("CR after a field", ref, "GET / HTTP/1.1\r\n"+host+"X-A: b\rX-B: c\r\n\r\n"),
		bad("CR in a name", ref, "GET / HTTP/1.1\r\n"+host+"X\rA: b\r\n\r\n"),
		lax("CR CR LF after request line", ref, "GET / HTTP/1.1\r\r\n"+host+"\r\n"),
		lax("CR CR LF after a field", ref, "GET / HTTP/1.1\r\n"+host+"X-A: b\r\r\n\r\n"),
		lax("CR CR LF as the blank line", ref, "GET / HTTP/1.1\r\n"+host+"\r\r\n\r\n"),
		lax("LF CR", ref, "GET / HTTP/1.1\n\r"+host+"\r\n\r\n"),
		lax("NUL alone on a line", ref, "GET / HTTP/1.1\r\n"+host+"\x00\r\n\r\n"),
		bad("NUL after the version", ref, "GET / HTTP/1.1\x00\r\n"+host+"\r\n", 400, 505),
	})
}

func TestFieldLimits(t *testing.T) {
	const ref = "RFC 6585 5"
	long := func(n int) string { return "X-Long: " + strings.Repeat("v", n) }
	many := func(n, size int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf("X-%04d: %s", i, strings.Repeat("v", size)))
		}
		return lines
	}
	same := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf("X-A: %d", i))
		}
		return lines
	}
	var order []string
	for i := range 60 {
		order = append(order, fmt.Sprint(i))
	}
	runCases(t, []testCase{
		good("header of 7 kB", ref, get("/", long(7000)), saw("X-Long", strings.Repeat("v", 7000))),
		good("sixty fields", ref, get("/", many(60, 10)...), saw("X-0059", "vvvvvvvvvv")),
		good("sixty lines of one name", ref, get("/", same(60)...), sawList("X-A", strings.Join(order, ", "))),
		bad("field of 20 kB", ref, get("/", long(20000)), 431),
		bad("field of 100 kB", ref, get("/", long(100000)), 431),
		bad("field of 1 MB", ref, get("/", long(1000000)), 431),
		bad("2000 fields", ref, get("/", many(2000, 20)...), 431),
		bad("endless field", ref, "GET / HTTP/1.1\r\nHost: x.test\r\nX: "+strings.Repeat("v", 70000), 431),
		bad("endless name", ref, "GET / HTTP/1.1\r\nHost: x.test\r\n"+strings.Repeat("X", 70000), 400, 431),
		bad("endless fields", ref, "GET / HTTP/1.1\r\nHost: x.test\r\n"+strings.Join(many(1000, 60), "\r\n"), 431),
	})
}
