package conformance

import (
	"fmt"
	"strings"
	"testing"
)

func TestInterim(t *testing.T) {
	const ref = "RFC 9110 15.2"
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
	final := all(statuses(200), body("ok"))
	row := func(name, before string, interims check) testCase {
		c := answered(name, ref, before+okAnswer, final)
		c.ours = interims
		return c
	}
	old := row("103 is not for HTTP/1.0", early, interim())
	old.bytes = raw("GET / HTTP/1.0", "Host: x.test")
	old.want = all(final, interim())
	only := answered("100 and no more", ref, "", unclean)
	only.up = once("HTTP/1.1 100 Continue\r\n\r\n")
	cut := answered("103 and no more", ref, "", unclean)
	cut.up = once(early)
	before := testCase{name: "103 long before the answer", ref: ref, want: final, ours: interim(103),
		client: []act{send(get("/")), until("103 Early Hints"), tell("seen"), answers(1), closeWrite, eof},
		up:     [][]act{{request, send(early), await("seen"), send(okAnswer), thenServe}}}
	post := testCase{name: "100 to a POST", ref: ref, bytes: post("/", "abc"), answer: "HTTP/1.1 100 Continue\r\n\r\n" + okAnswer,
		want: all(final, sawBody("abc")), ours: interim()}
	next := testCase{name: "answers stay in step", ref: ref, bytes: get("/1") + get("/2"), replies: 2, answer: early + okAnswer,
		want: all(statuses(200, 200), targets("/1", "/2"))}
	head := answered("103 to a HEAD", ref, early+raw("HTTP/1.1 200 OK", "Content-Length: 9"), statuses(200))
	head.bytes, head.methods = with("HEAD /"), "HEAD"
	unasked := func(name, answer string) testCase {
		return testCase{name: name, ref: "RFC 9110 15.2.2", bytes: get("/"), up: once(answer), want: clientNever("EVIL", "HTTP/1.1 101")}
	}
	rows := []testCase{
		row("100 is swallowed", "HTTP/1.1 100 Continue\r\n\r\n", interim()),
		row("100 with fields", "HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n", interim()),
		row("103 passes", early, interim(103)),
		row("102 passes", "HTTP/1.1 102 Processing\r\n\r\n", either(interim(102), interim())),
		row("199", "HTTP/1.1 199 X\r\n\r\n", either(interim(199), interim())),
		row("three of 103", early+early+early, interim(103, 103, 103)),
		row("100, then 103", "HTTP/1.1 100 Continue\r\n\r\n"+early, interim(103)),
		row("103 with fields of its own", early, interimField("Link", "</a>; rel=preload")),
		row("103 with a hop-by-hop field", "HTTP/1.1 103 X\r\nConnection: X-Foo\r\nX-Foo: 1\r\n\r\n", clientNever("X-Foo")),
		old, only, cut, post, next, head,
		unasked("101 not asked for", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: evil\r\n\r\nEVIL"),
		unasked("101 without fields", "HTTP/1.1 101 X\r\n\r\nEVIL"),
		answered("ten of 103", ref, strings.Repeat(early, 10)+okAnswer, either(gatewayError, final)),
	}
	if target.name == "steelyard" { // others may keep 103 to themselves, and then nobody would go on
		rows = append(rows, before)
	}
	runCases(t, rows)
}

func interimField(name, value string) check {
	return all(interim(103), func(r *result) error {
		if got := r.messages[0].value(name); got != value {
			return fmt.Errorf("%s in the 103 is %q, want %q", name, got, value)
		}
		return nil
	})
}
