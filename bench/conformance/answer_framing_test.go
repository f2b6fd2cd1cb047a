package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// once is an upstream that gives this answer to the first request of every connection and then closes it.
func once(answer string) [][]act {
	script := []act{request, send(answer), closeWrite}
	return [][]act{script, script, script}
}

// framedAnswer is a row about an answer whose framing is in doubt.
func framedAnswer(name, ref, answer string, want check) testCase {
	return testCase{name: name, ref: ref, bytes: get("/"), up: once(answer), want: want}
}

func TestAnswerFraming(t *testing.T) {
	const ref = "RFC 9112 6.3"
	head := func(lines ...string) string { return raw("HTTP/1.1 200 OK", lines...) }
	const chunks = "3\r\nabc\r\n0\r\n\r\n"
	whole := func(name, answer, want string) testCase {
		return framedAnswer(name, ref, answer, all(statuses(200), body(want)))
	}
	// unsure answers are refused, or understood as the RFC says; never passed on as they are.
	unsure := func(name, answer, want string) testCase {
		return framedAnswer(name, ref, answer, either(gatewayError, all(status(200), either(unclean, body(want)))))
	}
	wrong := func(name string, lines ...string) testCase {
		return framedAnswer(name, ref, head(lines...)+"abc", gatewayError)
	}
	rows := []testCase{
		whole("length", head("Content-Length: 3")+"abc", "abc"),
		whole("chunked", head("Transfer-Encoding: chunked")+chunks, "abc"),
		whole("until the end", head()+"abc", "abc"),
		whole("until the end, nothing", head(), ""),
		whole("until the end, close said", head("Connection: close")+"abc", "abc"),
		whole("chunks of nothing", head("Transfer-Encoding: chunked")+"0\r\n\r\n", ""),
		whole("chunk extension", chunkedReply("3;a=b\r\nabc\r\n0\r\n\r\n"), "abc"),
		whole("quoted chunk extension", chunkedReply("3;a=\"b\"\r\nabc\r\n0;c\r\n\r\n"), "abc"),
		whole("chunk with leading zeros", chunkedReply("0003\r\nabc\r\n000\r\n\r\n"), "abc"),
		whole("large chunk", chunkedReply(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 200000, strings.Repeat("x", 200000))), strings.Repeat("x", 200000)),
		whole("1 MB", reply(200, strings.Repeat("x", 1<<20)), strings.Repeat("x", 1<<20)),
		whole("1 MB until the end", head()+strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20)),
		unsure("TE upper case", head("Transfer-Encoding: CHUNKED")+chunks, "abc"),
		unsure("length, then chunked", head("Content-Length: 3", "Transfer-Encoding: chunked")+chunks, "abc"),
		unsure("chunked, then length", head("Transfer-Encoding: chunked", "Content-Length: 100")+chunks, "abc"),
		unsure("length twice the same", head("Content-Length: 3", "Content-Length: 3")+"abc", "abc"),
		unsure("length list of the same", head("Content-Length: 3, 3")+"abc", "abc"),
		unsure("length with leading zeros", head("Content-Length: 003")+"abc", "abc"),
		unsure("identity", head("Transfer-Encoding: identity")+"abc", "abc"),
		unsure("chunked twice", head("Transfer-Encoding: chunked, chunked")+chunks, "abc"),
		unsure("chunked in two lines", head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")+chunks, "abc"),
		unsure("chunked in HTTP/1.0", raw("HTTP/1.0 200 OK", "Transfer-Encoding: chunked")+chunks, "abc"),
		wrong("length twice different", "Content-Length: 3", "Content-Length: 2"),
		wrong("length list of different", "Content-Length: 3, 2"),
	}
	for _, v := range []string{"", "+3", "-3", "0x3", "abc", "3a", "3 3", "3.0", "18446744073709551619", "9223372036854775808", "99999999999999999999"} {
		rows = append(rows, wrong(fmt.Sprintf("length %q", v), "Content-Length: "+v))
	}
	// With a coding that is not chunked the body ends with the connection, and has that coding.
	for _, v := range []string{"gzip", "gzip, chunked", "chunked, gzip", "xchunked", ""} {
		rows = append(rows, framedAnswer(fmt.Sprintf("coding %q", v), "RFC 9112 6.1", head("Transfer-Encoding: "+v)+chunks,
			either(gatewayError, all(status(200), either(unclean, body(chunks), body("abc"))))))
	}
	runCases(t, rows)
}

func TestAnswerSyntax(t *testing.T) {
	const ref = "RFC 9112 5.1"
	with := func(name, ref, lines string, understood check) testCase {
		answer := "HTTP/1.1 200 OK\r\n" + lines + "\r\nok"
		return framedAnswer(name, ref, answer, either(gatewayError, all(statuses(200), body("ok"), understood)))
	}
	const length = "Content-Length: 2\r\n"
	rows := []testCase{
		with("space before colon", ref, "X-A : b\r\n"+length, either(got("X-A", "b"), gotNo("X-A"))),
		with("space before colon of length", ref, "Content-Length : 2\r\n", complete),
		with("obs-fold", "RFC 9112 5.2", "X-A: b\r\n c\r\n"+length, gotNo("c")),
		with("obs-fold, tab", "RFC 9112 5.2", "X-A: b\r\n\tc\r\n"+length, gotNo("c")),
		with("obs-fold on the first line", "RFC 9112 5.2", " X-A: b\r\n"+length, complete),
		with("LF line ends", "RFC 9112 2.2", "X-A: b\nX-B: c\n"+length, complete),
		with("NUL in a value", "RFC 9110 5.5", "X-A: b\x00c\r\n"+length, clientNever("\x00")),
		with("bare CR in a value", "RFC 9112 2.2", "X-A: b\rc\r\n"+length, clientNever("b\rc")),
		with("bare CR hides a field", "RFC 9112 2.2", "X-A: b\rSet-Cookie: evil=1\r\n"+length, clientNever("\rSet")),
		with("control in a value", "RFC 9110 5.5", "X-A: b\x01c\r\n"+length, complete),
		with("space in a name", ref, "X A: b\r\n"+length, clientNever("X A")),
		with("NUL in a name", ref, "X\x00A: b\r\n"+length, clientNever("\x00")),
		with("empty name", ref, ": b\r\n"+length, clientNever("\r\n: b")),
		with("no colon", ref, "abc\r\n"+length, clientNever("\r\nabc\r\n")),
		with("field of 100 kB", "RFC 9110 5.4", "X-A: "+strings.Repeat("v", 100000)+"\r\n"+length, complete),
		with("field of 1 MB", "RFC 9110 5.4", "X-A: "+strings.Repeat("v", 1000000)+"\r\n"+length, complete),
		with("2000 fields", "RFC 9110 5.4", strings.Repeat("X-A: vvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\r\n", 2000)+length, complete),
	}
	lf := framedAnswer("LF everywhere", "RFC 9112 2.2", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		either(gatewayError, all(statuses(200), body("ok"))))
	split := answered("a byte at a time", "RFC 9112 2.2", "", all(statuses(200), body("abc"), got("X-A", "b")))
	split.up = [][]act{{request, drip(chunkedReply("3\r\nabc\r\n0\r\n\r\n", "X-A: b")), thenServe}}
	splitFixed := answered("fixed, a byte at a time", "RFC 9112 2.2", "", all(statuses(200), body("abc")))
	splitFixed.up = [][]act{{request, drip(reply(200, "abc")), thenServe}}
	runCases(t, append(rows, lf, split, splitFixed))
}

func TestAnswerTrailers(t *testing.T) {
	const ref = "RFC 9112 7.1.2"
	row := func(name string, want check, lines ...string) testCase {
		wire := "3\r\nabc\r\n0\r\n" + strings.Join(append(lines, "", ""), "\r\n")
		c := answered(name, ref, chunkedReply(wire, "Trailer: X-T", "X-A: b"), all(statuses(200, 200), body("abc"), secondBody("ok")))
		c.ours = want
		c.bytes, c.replies = get("/1", "TE: trailers", "Connection: TE")+get("/2"), 2
		c.up, c.answer = [][]act{{request, send(c.answer), thenServe}}, ""
		return c
	}
	wrong := func(name string, lines ...string) testCase {
		c := row(name, nil, lines...)
		c.bytes, c.replies = get("/1"), 1
		c.want = either(unclean, all(body("abc"), clientNever(lines...)))
		return c
	}
	// forbidden ones are dropped, or cost the answer; nobody may see them as they are.
	forbidden := func(name, value string) testCase {
		c := row("forbidden "+name, nil, name+": "+value)
		c.ours = either(gatewayError, all(unclean, status(200)), all(c.want, gotNoTrailer(name)))
		c.want = either(unclean, c.want)
		return c
	}
	announced := func(name, value string, want ...string) testCase {
		c := answered("announced "+name, "RFC 9110 6.5.1", chunkedReply("3\r\nabc\r\n0\r\n\r\n", "Trailer: "+value), all(statuses(200), body("abc")))
		c.ours = got("Trailer", want...)
		return c
	}
	old := row("none for HTTP/1.0", nil, "X-T: u")
	old.bytes, old.replies = raw("GET /1 HTTP/1.0", "Host: x.test"), 1
	old.want = all(statuses(200), body("abc"), gotNo("X-T", "Transfer-Encoding"))
	runCases(t, []testCase{
		row("pass", gotTrailer("X-T", "u"), "X-T: u"),
		row("two pass", all(gotTrailer("X-T", "u"), gotTrailer("X-V", "w")), "X-T: u", "X-V: w"),
		row("not announced", gotTrailer("X-V", "w"), "X-V: w"),
		forbidden("Content-Length", "100"), forbidden("Transfer-Encoding", "gzip"), forbidden("Connection", "close"),
		row("never a header field", got("X-A", "b"), "X-A: evil"),
		wrong("without colon", "xyz"), wrong("space in name", "X T: u"), wrong("NUL", "X-T: u\x00v"),
		wrong("obs-fold", "X-T: u", " v"), wrong("bare CR", "X-T: u\rv"),
		announced("trailers", "X-T, X-V", "X-T, X-V"), announced("among others", "X-T,content-length , Set-Cookie,X-V", "X-T, X-V"),
		announced("Content-Length", "Content-Length"),
		old,
	})
}

func gotTrailer(name, value string) check {
	return func(r *result) error {
		for _, f := range r.answers[0].trailer {
			if strings.EqualFold(f.name, name) && f.value == value {
				return nil
			}
		}
		return fmt.Errorf("trailer of the answer is %q, want %s: %s", r.answers[0].trailer, name, value)
	}
}

func gotNoTrailer(name string) check {
	return func(r *result) error {
		if slices.ContainsFunc(r.answers[0].trailer, func(f field) bool { return strings.EqualFold(f.name, name) }) {
			return fmt.Errorf("trailer of the answer is %q", r.answers[0].trailer)
		}
		return nil
	}
}
