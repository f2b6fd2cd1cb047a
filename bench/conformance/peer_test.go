package conformance

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// patience bounds every wait for a condition. It is no part of any verdict but "this never happened".
const patience = time.Minute

// ending is how the other side's half of a connection ended.
type ending string

const (
	stillOpen ending = "still open"
	finished  ending = "FIN"
	wasReset  ending = "RST"
	closedUs  ending = "closed by the test"
)

// peer is the test's end of one connection, on either side of the gateway. Everything that arrives is recorded by a
// goroutine of its own as soon as it arrives, unless the script holds reading back.
type peer struct {
	conn    *net.TCPConn
	signals *signals
	methods []string // of the requests sent, to frame their answers; the client's only

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change; under mu
	got     []byte        // under mu; append only, by record
	end     ending        // under mu; by record
	budget  int           // under mu; reading stops at this many bytes; by the script
	done    bool          // under mu; the test has closed its end; by the script

	// The script's goroutine alone uses these.
	sent   []byte
	mark   int // until has consumed this much of got
	parsed int // request has consumed this much of got
	serves bool
}

func newPeer(conn *net.TCPConn, s *signals) *peer {
	return &peer{conn: conn, signals: s, changed: make(chan struct{}), end: stillOpen, budget: 1 << 40}
}

// record reads until the stream ends.
func (p *peer) record() {
	buf := make([]byte, 64<<10)
	for {
		n := p.room(len(buf))
		if n == 0 {
			return
		}
		k, err := p.conn.Read(buf[:n])
		p.update(func() {
			p.got = append(p.got, buf[:k]...)
			switch {
			case err == nil:
			case p.done:
				p.end = closedUs
			case errors.Is(err, syscall.ECONNRESET):
				p.end = wasReset
			default:
				p.end = finished
			}
		})
		if err != nil {
			return
		}
	}
}

// room waits until reading is allowed and says how much may be read; 0 once the test has closed its end.
func (p *peer) room(most int) int {
	for {
		p.mu.Lock()
		left, done, changed := p.budget-len(p.got), p.done, p.changed
		if done && left <= 0 {
			p.end = closedUs
		}
		p.mu.Unlock()
		if left > 0 {
			return min(left, most)
		}
		if done {
			return 0
		}
		<-changed
	}
}

func (p *peer) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns once the condition holds; met runs under the lock with what has arrived.
func (p *peer) wait(what string, met func(got []byte, end ending) bool) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		p.mu.Lock()
		ok, changed := met(p.got, p.end), p.changed
		p.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-timeout.C:
			return fmt.Errorf("waited %v in vain for %s", patience, what)
		}
	}
}

// seen returns what has arrived so far and how the stream stands.
func (p *peer) seen() ([]byte, ending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got, p.end
}

// close ends the connection in both directions, as a process that is done with it would.
func (p *peer) close() {
	p.update(func() { p.done = true })
	p.conn.Close()
}

// signals let one side's script wait for a point in the other's.
type signals struct {
	mu   sync.Mutex
	made map[string]chan struct{} // under mu; by both scripts
}

func newSignals() *signals { return &signals{made: map[string]chan struct{}{}} }

func (s *signals) get(name string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made[name] == nil {
		s.made[name] = make(chan struct{})
	}
	return s.made[name]
}
