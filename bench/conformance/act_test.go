package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// act is one step of a script. A script stops at its first error, and the error fails the case.
type act func(*peer) error

func play(p *peer, script []act) error {
	for i, step := range script {
		if err := step(p); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// send writes all of s. That the other side stops reading is its right, so a failed write is no failure of the case.
func send(s string) act {
	return func(p *peer) error {
		p.sent = append(p.sent, s...)
		p.conn.SetWriteDeadline(time.Now().Add(patience))
		_, err := p.conn.Write([]byte(s))
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			return fmt.Errorf("write %d bytes: the other side reads no further", len(s))
		}
		return nil
	}
}

// drip writes s one byte at a time, each in a segment of its own.
func drip(s string) act {
	return func(p *peer) error {
		for i := range len(s) {
			if err := send(s[i : i+1])(p); err != nil {
				return err
			}
		}
		return nil
	}
}

// until waits for text after what earlier steps have waited for.
func until(text string) act {
	return func(p *peer) error {
		found := -1
		err := p.wait(fmt.Sprintf("%q", text), func(got []byte, end ending) bool {
			found = bytes.Index(got[p.mark:], []byte(text))
			return found >= 0 || end != stillOpen
		})
		if err == nil && found < 0 {
			return fmt.Errorf("connection ended before %q came", text)
		}
		p.mark += max(found, 0) + len(text)
		return err
	}
}

// request is the upstream's: it waits for one more whole request, and says 100 where it is asked to.
func request(p *peer) error {
	var m *message
	var n int
	var bad error
	continued := false
	for {
		err := p.wait("a whole request", func(got []byte, end ending) bool {
			m, n, bad = parseRequest(got[p.parsed:])
			expects := m != nil && !continued && strings.EqualFold(m.value("Expect"), "100-continue")
			return bad != errMore || end != stillOpen || expects
		})
		if err != nil {
			return err
		}
		if bad != errMore {
			p.parsed += n
			return bad
		}
		if _, end := p.seen(); end != stillOpen {
			return fmt.Errorf("read request: %s before it was whole", end)
		}
		continued = true
		if err := send("HTTP/1.1 100 Continue\r\n\r\n")(p); err != nil {
			return err
		}
	}
}

// head is the upstream's: it waits for a request's header and leaves the body where it is.
var head = until("\r\n\r\n")

// thenServe is the upstream's last step: it goes on as an ordinary server, which must not be in the middle of a request.
func thenServe(p *peer) error { p.serves = true; return nil }

// answers is the client's: it waits for n whole final answers, or for the end of the connection.
func answers(n int) act {
	return func(p *peer) error {
		return p.wait(fmt.Sprintf("answer %d", n), func(got []byte, end ending) bool {
			all, _, err := parseAnswers(got, p.methods, end)
			if err != nil {
				return true
			}
			whole := 0
			for _, m := range all {
				if m.status >= 200 && m.whole {
					whole++
				}
			}
			return whole >= n || end != stillOpen
		})
	}
}

// eof waits until the other side has ended its half of the connection, one way or the other.
func eof(p *peer) error {
	return p.wait("the end of the connection", func(_ []byte, end ending) bool { return end != stillOpen })
}

// refusedEnds waits for the end of the connection after an answer that leaves the request's framing in doubt.
func refusedEnds(p *peer) error {
	got, end := p.seen()
	all, _, err := parseAnswers(got, p.methods, end)
	if err != nil || len(all) == 0 {
		return nil
	}
	switch all[len(all)-1].status {
	case 400, 408, 414, 431:
		return eof(p)
	}
	return nil
}

// errorEnds waits for the end of the connection after an error, and for the answer to whatever follows otherwise.
func errorEnds(p *peer) error {
	got, end := p.seen()
	all, _, err := parseAnswers(got, p.methods, end)
	if err == nil && len(all) > 0 && all[0].status < 400 {
		return answers(2)(p)
	}
	return eof(p)
}

func closeWrite(p *peer) error { p.conn.CloseWrite(); return nil }

func hangUp(p *peer) error { p.close(); return nil }

func reset(p *peer) error {
	p.conn.SetLinger(0)
	p.close()
	return nil
}

// hold stops reading once this many bytes have been read; more are left to the kernel and then to back-pressure.
func hold(budget int) act {
	return func(p *peer) error { p.update(func() { p.budget = budget }); return nil }
}

func resume(p *peer) error { return hold(1 << 40)(p) }

func tell(name string) act {
	return func(p *peer) error { close(p.signals.get(name)); return nil }
}

func await(name string) act {
	return func(p *peer) error {
		timeout := time.NewTimer(patience)
		defer timeout.Stop()
		select {
		case <-p.signals.get(name):
			return nil
		case <-timeout.C:
			return fmt.Errorf("waited %v in vain for the other side to reach %q", patience, name)
		}
	}
}

// flood writes until the other side takes no more for the length of stall, and fails if all of limit bytes went out.
func flood(limit int, stall time.Duration) act {
	return func(p *peer) error {
		chunk := []byte(fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat("x", 64<<10)))
		for out := 0; out < limit; out += len(chunk) {
			p.conn.SetWriteDeadline(time.Now().Add(stall))
			if _, err := p.conn.Write(chunk); err != nil {
				return nil
			}
		}
		return fmt.Errorf("the gateway took %d bytes that the client had not read", limit)
	}
}

// parseAnswers splits what a client has read; rest is what is left after the last whole answer.
func parseAnswers(got []byte, methods []string, end ending) (all []*message, rest []byte, err error) {
	finals := 0
	for len(got) > 0 {
		method := "GET"
		if finals < len(methods) {
			method = methods[finals]
		}
		m, n, err := parseAnswer(got, method, end != stillOpen, end == finished)
		if m != nil {
			all = append(all, m)
		}
		if err == errMore {
			return all, got, nil
		}
		if err != nil {
			return all, got, err
		}
		if m.status >= 200 {
			finals++
		}
		got = got[n:]
	}
	return all, nil, nil
}
