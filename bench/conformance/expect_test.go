package conformance

import "testing"

func TestExpect(t *testing.T) {
	const ref = "RFC 9110 10.1.1"
	expecting := func(v string, lines ...string) string {
		return with("POST /", append(lines, "Expect: "+v, "Content-Length: 3")...)
	}
	// waits sends the body only once 100 has come, as curl does.
	waits := func(name, v string, lines ...string) testCase {
		return testCase{name: name, ref: ref, want: all(passed, sawBody("abc"), interim(100)),
			client: []act{send(expecting(v, lines...)), until("HTTP/1.1 100"), send("abc"), answers(1), closeWrite, eof}}
	}
	silent := waits("upstream says no 100", "100-continue")
	silent.up = [][]act{{head, until("abc"), send(okAnswer)}}
	silent.client = []act{send(expecting("100-continue")), send("abc"), answers(1), closeWrite, eof}
	silent.want = all(passed, sawBody("abc"), either(interim(100), interim()))
	chunked := waits("chunked", "100-continue")
	chunked.client = []act{send(chunkedPost("", "Expect: 100-continue")), until("HTTP/1.1 100"), send("3\r\nabc\r\n0\r\n\r\n"), answers(1), closeWrite, eof}
	streamed := waits("streamed", "100-continue")
	streamed.with.streamed = true
	twice := waits("two requests", "100-continue")
	twice.client = []act{send(expecting("100-continue")), until("HTTP/1.1 100"), send("abc"), answers(1),
		send(expecting("100-continue")), until("HTTP/1.1 100"), send("def"), answers(2), closeWrite, eof}
	twice.want = all(requests(2), statuses(200, 200), interim(100, 100))
	early := good("body sent at once", ref, expecting("100-continue")+"abc", sawBody("abc"))
	early.want = all(early.want, either(interim(100), interim()))
	old := good("on HTTP/1.0", ref, raw("POST / HTTP/1.0", "Host: x.test", "Expect: 100-continue", "Content-Length: 3")+"abc",
		sawBody("abc"), interim())
	none := free("without a body", ref, with("GET /", "Expect: 100-continue"))
	large := testCase{name: "too large a body", ref: "RFC 9110 10.1.1", with: settings{bodyLimit: 1000},
		bytes: with("POST /", "Expect: 100-continue", "Content-Length: 5000"), want: rejected, ours: all(refused(413), interim())}
	other := func(name, v string, lines ...string) testCase {
		c := lax(name, ref, expecting(v, lines...)+"abc", 417)
		c.want = either(rejected, all(statuses(200), sawBody("abc")))
		return c
	}
	case100 := waits("upper case", "100-Continue")
	runCases(t, []testCase{
		waits("100-continue", "100-continue"), case100, chunked, streamed, twice, silent, early, old, none, large,
		finalInstead("refused with 401", 401), finalInstead("refused with 413", 413),
		other("something else", "200-ok"), other("100-continue and more", "100-continue, 200-ok"),
		other("with a value", "100-continue=x"), other("two lines", "200-ok", "Expect: 100-continue"),
		lax("something else without a body", ref, get("/", "Expect: x"), 417),
	})
}

// finalInstead is an upstream that answers for good where it was asked for 100. The body may or may not follow.
func finalInstead(name string, code int) testCase {
	return testCase{name: name, ref: "RFC 9110 10.1.1",
		client: []act{send(with("POST /", "Expect: 100-continue", "Content-Length: 3")), untilStatusThen("abc"), answers(1), closeWrite, eof},
		up:     [][]act{{head, send(reply(code, "no", "Connection: close")), closeWrite}},
		want:   all(status(code), body("no"))}
}

// untilStatusThen sends the rest of a request if the gateway asks for it with 100, and not after a final answer.
func untilStatusThen(rest string) act {
	return func(p *peer) error {
		asked := false
		err := p.wait("a status", func(got []byte, end ending) bool {
			all, _, _ := parseAnswers(got, nil, end)
			asked = len(all) > 0 && all[0].status == 100
			return len(all) > 0 || end != stillOpen
		})
		if err != nil || !asked {
			return err
		}
		return send(rest)(p)
	}
}
