package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestChunks plays the same bodies twice: held in the gateway before they are sent, and streamed through it.
func TestChunks(t *testing.T) {
	rows := slices.Concat(goodChunks(), badChunks(), trailers())
	streamed := func(c *testCase) {
		c.with.streamed = true
		if c.closes && c.ours != nil {
			// Some of it may be upstream already when the fault shows, but never all of it; and the fault may cost
			// the client its answer only if the upstream had begun one.
			c.ours = all(rejected, status(400, 413, 431))
		}
	}
	runCases(t, rows)
	runCases(t, named("streamed", rows, streamed))
}

func goodChunks() []testCase {
	const ref = "RFC 9112 7.1"
	sized := func(name, wire, body string) testCase {
		return testCase{name: name, ref: ref, bytes: chunkedPost(wire) + smuggled, replies: 2,
			want: all(statuses(200, 200), sawBody(body), targets("/", "/smuggled"))}
	}
	maybe := func(name, wire, body string) testCase {
		c := sized(name, wire, body)
		c.want = either(rejected, c.want)
		return c
	}
	big := strings.Repeat("x", 70000)
	return []testCase{
		sized("one", "3\r\nabc\r\n0\r\n\r\n", "abc"),
		sized("several", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef"),
		sized("none", "0\r\n\r\n", ""),
		sized("hex upper case", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
		sized("hex lower case", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
		sized("two digits", "1F\r\n"+big[:31]+"\r\n0\r\n\r\n", big[:31]),
		sized("large", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(big), big), big),
		sized("data of line ends", "8\r\n\r\n0\r\n\r\n\r\r\n0\r\n\r\n", "\r\n0\r\n\r\n\r"),
		sized("leading zero", "003\r\nabc\r\n0\r\n\r\n", "abc"),
		sized("last chunk of zeros", "3\r\nabc\r\n000\r\n\r\n", "abc"),
		sized("extension", "3;a=b\r\nabc\r\n0\r\n\r\n", "abc"),
		sized("extension without value", "3;a\r\nabc\r\n0\r\n\r\n", "abc"),
		sized("quoted extension", `3;a="b c;d"`+"\r\nabc\r\n0\r\n\r\n", "abc"),
		sized("extension on the last", "3\r\nabc\r\n0;a=b\r\n\r\n", "abc"),
		sized("two extensions", "3;a=b;c=d\r\nabc\r\n0\r\n\r\n", "abc"),
		maybe("many leading zeros", strings.Repeat("0", 40)+"3\r\nabc\r\n0\r\n\r\n", "abc"),
		maybe("space before extension", "3 ;a=b\r\nabc\r\n0\r\n\r\n", "abc"),
		maybe("space in extension", "3; a = b\r\nabc\r\n0\r\n\r\n", "abc"),
		maybe("trailing space", "3 \r\nabc\r\n0\r\n\r\n", "abc"),
		maybe("trailing tab", "3\t\r\nabc\r\n0\r\n\r\n", "abc"),
		maybe("empty extension", "3;\r\nabc\r\n0\r\n\r\n", "abc"),
		maybe("extension of 4 kB", "3;"+strings.Repeat("a", 4000)+"\r\nabc\r\n0\r\n\r\n", "abc"),
		maybe("LF after size", "3\nabc\r\n0\r\n\r\n", "abc"),
		maybe("LF after data", "3\r\nabc\n0\r\n\r\n", "abc"),
		maybe("LF after the last", "3\r\nabc\r\n0\n\r\n", "abc"),
		maybe("LF as the end", "3\r\nabc\r\n0\r\n\n", "abc"),
		maybe("LF in extension", "3;a\nb\r\nabc\r\n0\r\n\r\n", "abc"),
	}
}

func badChunks() []testCase {
	const ref = "RFC 9112 7.1"
	wrong := func(name, wire string) testCase { return doubtful(name, ref, chunkedPost(wire)+smuggled) }
	lenient := func(name, wire string) testCase {
		c := wrong(name, wire)
		c.want = either(rejected, all(statuses(200, 200), targets("/", "/smuggled")))
		return c
	}
	const tail = "\r\nabc\r\n0\r\n\r\n"
	rows := []testCase{
		wrong("data longer than size", "3\r\nabcd\r\n0\r\n\r\n"),
		wrong("data shorter than size", "5\r\nabc\r\n0\r\n\r\n"),
		lenient("data shorter by one", "4\r\nabc\r\n0\r\n\r\n"), // with LF for CR LF the data is "abc\r"
		wrong("no line end after data", "3\r\nabc0\r\n\r\n"),
		wrong("CR only after data", "3\r\nabc\r0\r\n\r\n"),
		wrong("CR only after size", "3\rabc\r\n0\r\n\r\n"),
		wrong("CR in extension", "3;a\rb"+tail),
		lenient("NUL in extension", "3;a\x00b"+tail),
		wrong("no size", tail),
		wrong("only an extension", ";a=b"+tail),
		wrong("second size is bad", "3\r\nabc\r\nzz\r\nabc\r\n0\r\n\r\n"),
		wrong("last chunk negative", "3\r\nabc\r\n-0\r\n\r\n"),
		wrong("header instead of a size", "Content-Length: 3\r\n\r\nabc"),
		lenient("bytes before the end", "3\r\nabc\r\n0\r\nx\r\n\r\n"),
		lenient("size and a word", "3 3"+tail),
		wrong("endless size", strings.Repeat("0", 70000)),
		wrong("endless extension", "3;"+strings.Repeat("a", 200000)),
	}
	for _, size := range []string{"g", "0x3", "+3", "-3", " 3", "\t3", "3_0", "3g", "0x", "x3", "3,", "3.0", `"3"`, "3\x0b", "\x003", "3\x00",
		"３", "FFFFFFFFFFFFFFFFF", "ffffffffffffffff", "8000000000000000", "10000000000000003", "100000000000000000000000000000003",
		"7fffffffffffffff", "fffffffffffffffd"} {
		row := wrong(fmt.Sprintf("size %s", strings.Trim(fmt.Sprintf("%q", size), `"`)), size+tail)
		if len(size) > 10 {
			row.ours = refused(400, 413)
		}
		rows = append(rows, row)
	}
	return rows
}

func trailers() []testCase {
	const ref = "RFC 9112 7.1.2"
	ended := func(lines ...string) string {
		return chunkedPost("3\r\nabc\r\n0\r\n"+strings.Join(append(lines, "", ""), "\r\n"), "Trailer: X-T") + smuggled
	}
	two := all(statuses(200, 200), sawBody("abc"), targets("/", "/smuggled"))
	row := func(name string, ours check, lines ...string) testCase {
		return testCase{name: "trailer " + name, ref: ref, bytes: ended(lines...), replies: 2, want: two, ours: ours}
	}
	// forbidden fields must never count as fields of the header; ours do not come through as trailers either.
	forbidden := func(name, value string) testCase {
		c := row("forbidden "+name, either(rejected, sawNoTrailer(name)), name+": "+value)
		c.want = either(rejected, all(two, sawNoValue(name, value)))
		return c
	}
	wrong := func(name string, lines ...string) testCase {
		c := doubtful("trailer "+name, "RFC 9112 5", ended(lines...))
		c.want = either(rejected, all(two, upstreamNever(lines...)))
		return c
	}
	rows := []testCase{
		row("passes", sawTrailer("X-T", "u"), "X-T: u"),
		row("two lines pass", all(sawTrailer("X-T", "u"), sawTrailer("X-V", "w")), "X-T: u", "X-V: w"),
		row("empty value", nil, "X-T:"),
		wrong("without colon", "xyz"),
		wrong("space before colon", "X-T : u"),
		wrong("space in name", "X T: u"),
		wrong("empty name", ": u"),
		wrong("NUL", "X-T: u\x00v"),
		wrong("bare CR", "X-T: u\rv"),
		wrong("obs-fold", "X-T: u", " v"),
	}
	// What is announced is what may come: the element goes, and with the last one the field.
	announced := func(name, value string, want ...string) testCase {
		c := good("announced "+name, "RFC 9110 6.5.1", chunkedPost("3\r\nabc\r\n0\r\nX-U: u\r\n\r\n", "Trailer: "+value), sawBody("abc"))
		c.ours = saw("Trailer", want...)
		return c
	}
	rows = append(rows, announced("trailers", "X-T, X-V", "X-T, X-V"), announced("among others", "X-T,content-length , Host,Authorization,X-V", "X-T, X-V"),
		announced("Content-Length", "Content-Length"), announced("forbidden ones alone", "TE,Transfer-Encoding, Trailer"), announced("no token", "X T,"))
	lf := wrong("bare LF", "X-T: u\nX-U: v")
	lf.want = either(rejected, two)
	huge := doubtful("trailer of 100 kB", "RFC 6585 5", ended("X-T: "+strings.Repeat("v", 100000)))
	huge.want, huge.ours = either(rejected, two), refused(400, 413, 431)
	rows = append(rows, lf, huge)
	for _, f := range []field{{"Content-Length", "5"}, {"Transfer-Encoding", "gzip"}, {"Host", "evil.test"}, {"Authorization", "Bearer evil"},
		{"Connection", "X-A"}, {"Content-Encoding", "gzip"}, {"X-Forwarded-For", "6.6.6.6"}, {"Upgrade", "evil"}, {"TE", "trailers"}} {
		rows = append(rows, forbidden(f.name, f.value))
	}
	return rows
}
