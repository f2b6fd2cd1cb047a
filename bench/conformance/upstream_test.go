package conformance

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// upstream is a TCP server that does what its scripts say: the first connection that carries a byte plays the first
// script, and so on; those beyond the scripts answer every request. Connections without a byte (health probes, the
// gateway's own preparations) are none of ours.
type upstream struct {
	ln      *net.TCPListener
	signals *signals
	scripts [][]act
	answer  string // to each whole request where no script says otherwise; "" is okAnswer

	mu       sync.Mutex
	accepted map[string]bool // by remote address; by serve
	changed  chan struct{}   // closed and replaced when accepted changes
	peers    []*peer         // with at least one byte, by the time of that byte
	playing  []chan struct{} // one for each script begun; closed by its goroutine
	errs     []error         // of scripts
	readers  sync.WaitGroup
}

func newUpstream(s *signals, answer string, scripts [][]act) (*upstream, error) {
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("open upstream: %w", err)
	}
	return &upstream{ln: ln, signals: s, answer: answer, scripts: scripts,
		accepted: map[string]bool{}, changed: make(chan struct{})}, nil
}

func (u *upstream) serve() {
	for {
		conn, err := u.ln.AcceptTCP()
		if err != nil {
			return
		}
		p := newPeer(conn, u.signals)
		u.readers.Add(1)
		go func() { defer u.readers.Done(); p.record() }()
		go u.converse(p)
		u.mu.Lock()
		u.accepted[conn.RemoteAddr().String()] = true
		close(u.changed)
		u.changed = make(chan struct{})
		u.mu.Unlock()
	}
}

// converse waits without limit for the first byte: the gateway may open connections ahead of need.
func (u *upstream) converse(p *peer) {
	for {
		p.mu.Lock()
		n, end, changed := len(p.got), p.end, p.changed
		p.mu.Unlock()
		if n > 0 {
			break
		}
		if end != stillOpen {
			p.close()
			return
		}
		<-changed
	}
	script, finished := u.begin(p)
	if script == nil {
		u.serveAll(p)
		return
	}
	err := play(p, script)
	if err != nil {
		u.mu.Lock()
		u.errs = append(u.errs, fmt.Errorf("upstream script: %w", err))
		u.mu.Unlock()
		p.close()
	}
	close(finished)
	if err == nil && p.serves {
		u.serveAll(p)
	}
}

func (u *upstream) begin(p *peer) ([]act, chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := len(u.peers)
	u.peers = append(u.peers, p)
	if i >= len(u.scripts) {
		return nil, nil
	}
	finished := make(chan struct{})
	u.playing = append(u.playing, finished)
	return u.scripts[i], finished
}

// serveAll answers whatever comes; a request that is malformed or cut ends the connection, as a server would.
func (u *upstream) serveAll(p *peer) {
	for {
		before := p.parsed
		if err := p.wait("bytes", func(got []byte, end ending) bool { return len(got) > before || end != stillOpen }); err != nil {
			continue
		}
		if err := request(p); err != nil {
			p.close()
			return
		}
		answer := u.answer
		if answer == "" {
			answer = okAnswer
			got, _ := p.seen()
			if strings.HasPrefix(string(got[before:]), "HEAD ") {
				answer = strings.TrimSuffix(answer, "ok")
			}
		}
		send(answer)(p)
	}
}

// joinScripts waits for every script that has begun.
func (u *upstream) joinScripts() []error {
	u.mu.Lock()
	playing := u.playing
	u.mu.Unlock()
	for _, finished := range playing {
		<-finished
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.errs
}

// settle makes the recording final. The gateway must be dead: then a connection of our own, accepted after all of the
// gateway's, shows that there are no more to come, and the ends of those that came are on their way.
func (u *upstream) settle() error {
	last, err := net.Dial("tcp4", u.ln.Addr().String())
	if err != nil {
		return fmt.Errorf("settle upstream: %w", err)
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		u.mu.Lock()
		ok, changed := u.accepted[last.LocalAddr().String()], u.changed
		u.mu.Unlock()
		if ok {
			break
		}
		select {
		case <-changed:
		case <-timeout.C:
			return errors.New("settle upstream: own connection was never accepted")
		}
	}
	last.Close()
	u.ln.Close()
	u.mu.Lock()
	for _, p := range u.peers {
		p.update(func() { p.budget = 1 << 40 })
	}
	u.mu.Unlock()
	u.readers.Wait()
	return nil
}
