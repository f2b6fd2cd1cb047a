package conformance

import (
	"fmt"
	"strings"
	"testing"
)

func TestHopByHop(t *testing.T) {
	const ref = "RFC 9110 7.6.1"
	gone := func(name string, names []string, lines ...string) testCase {
		return good(name, ref, get("/", lines...), sawNo(names...))
	}
	type names = []string
	rows := []testCase{
		gone("named field", names{"X-Foo"}, "Connection: X-Foo", "X-Foo: bar"),
		gone("named in a list", names{"X-Foo", "X-Bar"}, "Connection: keep-alive, X-Foo ,X-Bar", "X-Foo: 1", "X-Bar: 2"),
		gone("named in two lines", names{"X-Foo", "X-Bar"}, "Connection: X-Foo", "Connection: X-Bar", "X-Foo: 1", "X-Bar: 2"),
		gone("named in another case", names{"X-Foo"}, "connection: x-fOO", "X-Foo: 1"),
		gone("named after empty elements", names{"X-Foo"}, "Connection: ,, ,X-Foo", "X-Foo: 1"),
		gone("named after the field", names{"X-Foo"}, "X-Foo: 1", "Connection: X-Foo"),
		gone("named, all its lines", names{"X-Foo"}, "X-Foo: 1", "Connection: X-Foo", "X-Foo: 2", "x-foo: 3"),
		gone("named with close", names{"X-Foo"}, "Connection: close, X-Foo", "X-Foo: 1"),
		gone("named Cookie", names{"Cookie"}, "Connection: Cookie", "Cookie: a=b"),
		gone("Keep-Alive", names{"Keep-Alive"}, "Connection: keep-alive", "Keep-Alive: timeout=5"),
		gone("Keep-Alive not named", names{"Keep-Alive"}, "Keep-Alive: timeout=5"),
		gone("Proxy-Connection", names{"Proxy-Connection"}, "Proxy-Connection: keep-alive"),
		gone("TE", names{"TE"}, "Connection: TE", "TE: gzip"),
		gone("TE not named", names{"TE"}, "TE: gzip;q=1"),
		gone("Upgrade not named", names{"Upgrade"}, "Upgrade: websocket"),
		good("close is not passed on", ref, get("/", "Connection: close"), sawClose),
		good("close then another name", ref, get("/", "Connection: close, x"), sawClose),
	}
	// The RFC asks an intermediary only for what is named; these unnamed ones are hop-by-hop by their own definition.
	for i := range rows {
		if strings.Contains(rows[i].name, "not named") || rows[i].name == "Proxy-Connection" || rows[i].name == "Keep-Alive" {
			rows[i].want, rows[i].ours = passed, rows[i].want
		}
	}
	ours := func(name string, c check, lines ...string) testCase {
		return testCase{name: name, ref: ref, bytes: get("/", lines...), want: either(rejected, passed), ours: either(rejected, c)}
	}
	rows = append(rows,
		ours("naming X-Forwarded-For", saw("X-Forwarded-For", "127.0.0.1"), "Connection: X-Forwarded-For"),
		ours("naming Via", sawSome("Via", "1.1"), "Connection: Via"),
		ours("TE trailers", passed, "Connection: TE", "TE: trailers"),
		ours("h2c upgrade", all(passed, sawNo("HTTP2-Settings")),
			"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
		good("Connection with bad characters", ref, get("/", "Connection: X-Foo;, (y), \"z\"")),
	)
	runCases(t, rows)
}

// sawClose says that the client's close is its own: the upstream connection's persistence is the gateway's affair.
func sawClose(r *result) error {
	m, err := r.request()
	if err == nil && strings.Contains(strings.ToLower(m.value("Connection")), "x") {
		err = fmt.Errorf("Connection at the upstream is %q", m.value("Connection"))
	}
	return err
}

func TestForwarded(t *testing.T) {
	const ref = "steelyard"
	ours := func(name string, c check, lines ...string) testCase {
		return testCase{name: name, ref: ref, bytes: get("/", lines...), want: passed, ours: c}
	}
	untrusted := func(c testCase) testCase {
		c.name, c.with.untrusted = "untrusted "+c.name, true
		return c
	}
	via := func(name string, c check, lines ...string) testCase {
		v := ours(name, c, lines...)
		v.ref = "RFC 9110 7.6.3"
		return v
	}
	id := ours("X-Request-Id made", func(r *result) error {
		if id := r.requests[0].values("X-Request-Id"); len(id) != 1 || len(id[0]) < 8 {
			return fmt.Errorf("X-Request-Id is %q", id)
		}
		return nil
	})
	old := via("Via names HTTP/1.0", sawSome("Via", "1.0 "))
	old.bytes = raw("GET / HTTP/1.0", "Host: x.test")
	tooMany := ours("two X-Forwarded-For lines", sawList("X-Forwarded-For", "192.0.2.1, 192.0.2.2, 127.0.0.1"),
		"X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2")
	runCases(t, []testCase{
		ours("X-Forwarded-For made", saw("X-Forwarded-For", "127.0.0.1")),
		ours("X-Forwarded-For appended", sawList("X-Forwarded-For", "192.0.2.1, 127.0.0.1"), "X-Forwarded-For: 192.0.2.1"),
		tooMany,
		ours("X-Forwarded-Proto made", saw("X-Forwarded-Proto", "http")),
		ours("X-Forwarded-Proto kept", sawSome("X-Forwarded-Proto", "https"), "X-Forwarded-Proto: https"),
		ours("X-Forwarded-Host made", saw("X-Forwarded-Host", "x.test")),
		ours("X-Forwarded-Host kept", sawSome("X-Forwarded-Host", "y.test"), "X-Forwarded-Host: y.test"),
		untrusted(ours("X-Forwarded-For replaced", saw("X-Forwarded-For", "127.0.0.1"), "X-Forwarded-For: 192.0.2.1")),
		untrusted(ours("X-Forwarded-Proto replaced", saw("X-Forwarded-Proto", "http"), "X-Forwarded-Proto: https")),
		untrusted(ours("X-Forwarded-Host replaced", saw("X-Forwarded-Host", "x.test"), "X-Forwarded-Host: y.test")),
		untrusted(ours("all lines replaced", saw("X-Forwarded-For", "127.0.0.1"),
			"X-Forwarded-For: 192.0.2.1", "x-forwarded-for: 192.0.2.2")),
		id,
		ours("X-Request-Id kept", saw("X-Request-Id", "abc-123"), "X-Request-Id: abc-123"),
		via("Via made", sawSome("Via", "1.1 ")),
		via("Via appended", sawSome("Via", "1.0 fred, 1.1 "), "Via: 1.0 fred"),
		old,
		testCase{name: "Via in the answer stays", ref: "RFC 9110 7.6.3", bytes: get("/"), answer: reply(200, "ok", "Via: 1.1 up"),
			want: all(passed, gotSome("Via", "1.1 up"))},
	})
}

func gotSome(name, part string) check {
	return func(r *result) error {
		m, err := r.answer()
		if err == nil && !strings.Contains(m.value(name), part) {
			err = fmt.Errorf("%s in the answer is %q, want %q in it", name, m.value(name), part)
		}
		return err
	}
}

func TestRequestFields(t *testing.T) {
	const ref = "RFC 9110 5.3"
	kept := func(name, value string) testCase {
		return good(name+" stays", "RFC 9110 7.7", get("/", name+": "+value), saw(name, value))
	}
	lines := func(name string, values ...string) testCase {
		var ls []string
		for _, v := range values {
			ls = append(ls, name+": "+v)
		}
		c := good(fmt.Sprintf("%d lines of %s", len(values), name), ref, get("/", ls...))
		c.ours = saw(name, values...)
		return c
	}
	apart := good("order of one name among others", ref, get("/", "X-A: 1", "X-B: 2", "x-a: 3", "X-C: 4", "X-A: 5"), sawList("X-A", "1, 3, 5"))
	apart.ours = saw("X-A", "1", "3", "5")
	rows := []testCase{
		lines("Cookie", "a=1; b=2", "c=3"),
		lines("Content-Type", "text/plain", "text/html"),
		lines("Accept", "text/html", "text/plain;q=0.5", "*/*;q=0.1"),
		lines("User-Agent", "one", "two"),
		lines("X-A", "1", "2", "3"), lines("X-B", "", "b", ""), lines("Accept-Language", "de", "en;q=0.5"),
		apart,
		kept("Cookie", "a=1; b=\"2, 3\"; c"), kept("Authorization", "Bearer sk-abc.DEF_123=="), kept("User-Agent", "OpenAI/Python 1.2 (x; y)"),
		kept("Accept-Encoding", "gzip, br"), kept("Range", "bytes=0-9"), kept("If-None-Match", `W/"abc", "def"`),
		kept("If-Modified-Since", "Mon, 23 Nov 2026 00:00:00 GMT"), kept("Date", "Mon, 23 Nov 2026 00:00:00 GMT"),
		kept("Referer", "http://y.test/a?b#c"), kept("Origin", "null"), kept("Cache-Control", "no-cache, max-age=0"),
		kept("X-Stainless-Lang", "js"), kept("OpenAI-Organization", "org-1"), kept("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
		kept("Forwarded", `for=192.0.2.1;proto="http"`), kept("Pragma", "no-cache"), kept("Warning", `199 - "x"`), kept("Accept-Language", "de, en;q=0.5"),
		good("no User-Agent is made up", "steelyard", get("/"), sawNo("User-Agent", "Accept", "Accept-Encoding")),
		good("no body is made up", "RFC 9112 6.3", get("/"), sawBody(""), sawNo("Transfer-Encoding", "Content-Type")),
	}
	runCases(t, append(rows, maxForwards()...))
}

func maxForwards() []testCase {
	const ref = "RFC 9110 7.6.2"
	row := func(name, method, value string, want check) testCase {
		return testCase{name: "Max-Forwards " + name, ref: ref, bytes: with(method+" /", "Max-Forwards: "+value), want: want}
	}
	return []testCase{
		row("0 on OPTIONS", "OPTIONS", "0", all(untouched, complete)),
		row("5 on OPTIONS", "OPTIONS", "5", all(passed, saw("Max-Forwards", "4"))),
		row("1 on OPTIONS", "OPTIONS", "1", all(passed, saw("Max-Forwards", "0"))),
		row("0 on GET", "GET", "0", passed),
		row("nonsense on OPTIONS", "OPTIONS", "x", either(rejected, passed)),
	}
}
