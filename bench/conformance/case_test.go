package conformance

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// testCase is one row of a table.
type testCase struct {
	name, ref string // ref is the section that want and ours rest on; "steelyard" where it is our own promise
	with      settings

	// The client sends these bytes, reads this many answers (1 if not said) and half-closes when it has them. After
	// an answer that leaves the framing in doubt, or after any error with closes, the gateway must close first.
	bytes   string
	methods string // of the requests sent, where HEAD is among them
	replies int
	closes  bool
	client  []act // instead of all that

	answer string  // of the upstream to each whole request; "" is a small 200
	up     [][]act // instead, a script for each connection in turn

	want check // of any proxy
	ours check // of steelyard as well; nil: nothing more
}

func (c *testCase) clientScript() []act {
	if c.client != nil {
		return c.client
	}
	script := []act{send(c.bytes), answers(max(c.replies, 1)), refusedEnds}
	if c.closes {
		script = append(script, errorEnds)
	}
	return append(script, closeWrite, eof)
}

// runCases plays each row as a subtest of its own, in parallel.
func runCases(t *testing.T, cases []testCase) {
	noteInputs()
	names := map[string]bool{}
	for _, c := range cases {
		if c.want == nil || c.ref == "" || names[c.name] {
			tally.count(t.Name(), false)
			t.Fatalf("case %q: needs a name of its own, a reference and something to want", c.name)
		}
		names[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.run(t)
			err := r.err
			if err == nil {
				err = r.judge(&c)
			}
			tally.count(t.Name(), err == nil)
			if err != nil {
				t.Errorf("%s (%s)\n%v\n%s", c.name, c.ref, err, r)
			}
		})
	}
}

// result is the recording of one case, final by the time it is judged.
type result struct {
	err      error // a script that could not go on, or a gateway that died
	sent     []byte
	got      []byte
	end      ending
	messages []*message // all that the client got, the last one perhaps unfinished
	answers  []*message // those of them that are final
	rest     []byte     // what the client got after the last whole message
	conns    []upstreamConn
	requests []*message // whole ones, over all connections
	log      string
}

type upstreamConn struct {
	got  []byte
	end  ending
	rest []byte // after the last whole request
	err  error  // of the strict reader
}

func (c *testCase) run(t *testing.T) *result {
	r := &result{}
	signals := newSignals()
	up, err := newUpstream(signals, c.answer, c.up)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := up.ln.Addr().String()
	if c.with.dead {
		up.ln.Close()
		endpoint = "127.0.0.1:1" // a port that was let go may be another case's by now
	} else {
		go up.serve()
	}
	dir, err := os.MkdirTemp("", "case") // t.TempDir would carry the case's name, quotes and braces too
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	g, err := startGateway(dir, c.with, endpoint, freeAddress)
	if err != nil {
		t.Fatal(err)
	}
	defer g.kill()
	conn, err := net.Dial("tcp4", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	client := newPeer(conn.(*net.TCPConn), signals)
	client.methods = strings.Fields(c.methods)
	recorded := make(chan struct{})
	go func() { defer close(recorded); client.record() }()

	err = play(client, c.clientScript())
	if err != nil {
		err = fmt.Errorf("client script: %w", err)
	}
	errs := append([]error{err}, up.joinScripts()...)
	client.close()
	<-recorded
	if !g.kill() {
		errs = append(errs, errors.New("the gateway died"))
	}
	if !c.with.dead {
		errs = append(errs, up.settle())
	}
	r.log = g.log.text()
	if strings.Contains(r.log, "DATA RACE") || strings.Contains(r.log, "goroutine ") {
		errs = append(errs, errors.New("the gateway reports a fault of its own"))
	}
	r.err = errors.Join(errs...)
	r.read(client, up)
	return r
}

// read takes the recordings apart.
func (r *result) read(client *peer, up *upstream) {
	r.sent = client.sent
	r.got, r.end = client.seen()
	var err error
	r.messages, r.rest, err = parseAnswers(r.got, client.methods, r.end)
	if err != nil {
		r.err = errors.Join(r.err, fmt.Errorf("answer is %w", err))
	}
	for _, m := range r.messages {
		if m.status >= 200 || m.status == 101 {
			r.answers = append(r.answers, m)
		}
	}
	for _, p := range up.peers {
		u := upstreamConn{}
		u.got, u.end = p.seen()
		u.rest = u.got
		tunnel := false // what cannot be read behind a request to upgrade is the other protocol's
		for len(u.rest) > 0 {
			m, n, err := parseRequest(u.rest)
			if err != nil {
				if tunnel {
					u.rest = nil
				} else if err != errMore {
					u.err = err
				}
				break
			}
			r.requests = append(r.requests, m)
			u.rest = u.rest[n:]
			tunnel = m.value("Upgrade") != ""
		}
		r.conns = append(r.conns, u)
	}
}

func (r *result) judge(c *testCase) error {
	for _, u := range r.conns {
		if u.err != nil {
			return fmt.Errorf("the upstream received a request that is %w", u.err)
		}
	}
	if n := len(r.messages); n > 0 && r.messages[n-1].whole && len(r.rest) > 0 {
		return fmt.Errorf("%q follows the last answer", clip(r.rest))
	}
	if err := c.want(r); err != nil {
		return err
	}
	if c.ours != nil && target.name == "steelyard" {
		return c.ours(r)
	}
	return nil
}

func (r *result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "client sent:\n%s", quote(r.sent))
	for i, u := range r.conns {
		fmt.Fprintf(&b, "upstream connection %d saw (then %s):\n%s", i+1, u.end, quote(u.got))
	}
	if len(r.conns) == 0 {
		b.WriteString("upstream saw nothing\n")
	}
	fmt.Fprintf(&b, "client got (then %s):\n%s", r.end, quote(r.got))
	if r.log != "" {
		fmt.Fprintf(&b, "%s said:\n%s", target.name, r.log)
	}
	return b.String()
}

// quote shows every byte, a line of the wire to a line of text.
func quote(b []byte) string {
	if len(b) == 0 {
		return "  (nothing)\n"
	}
	var out strings.Builder
	for line := range strings.SplitAfterSeq(clip(b), "\n") {
		if line != "" {
			fmt.Fprintf(&out, "  %q\n", line)
		}
	}
	return out.String()
}
