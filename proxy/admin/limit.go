// Bounds on what the admin listener does at once.

package admin

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// Bounds on what the admin listener does at once, so that nobody who reaches it, not even
// a scraper gone wild, can take memory and cores from requests.
const (
	maxConns   = 64
	maxScrapes = 8 // pages being sent, each of which may be megabytes
	maxStates  = 2 // answers with the state of all endpoints being made
)

// atMost serves n requests at once; the others wait, for as long as their clients do.
func atMost(n int, next http.HandlerFunc) http.HandlerFunc {
	turns := make(chan struct{}, n)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			next(w, r)
		case <-r.Context().Done():
		}
	}
}

// conns are the open connections of a server, at most maxConns. When one more comes, the
// one that has been idle for longest is closed, or the new one if all are busy.
type conns struct {
	mu   sync.Mutex
	open int
	idle []net.Conn // between two requests, the longest idle first
}

// limit returns ln with that bound. The server must call state for its connections.
func (c *conns) limit(ln net.Listener) net.Listener { return limited{ln, c} }

type limited struct {
	net.Listener
	conns *conns
}

func (l limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || l.conns.admit() {
			return conn, err
		}
		_ = conn.Close()
	}
}

// admit says whether one more connection may be open.
func (c *conns) admit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= maxConns {
		if len(c.idle) == 0 {
			return false
		}
		_ = c.idle[0].Close() // the server reports its end, which state counts
		c.idle = c.idle[1:]
	}
	c.open++
	return true
}

// state is the server's ConnState.
func (c *conns) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.idle, conn); i >= 0 {
		c.idle = slices.Delete(c.idle, i, i+1)
	}
	switch state {
	case http.StateIdle:
		c.idle = append(c.idle, conn)
	case http.StateClosed, http.StateHijacked:
		c.open--
	}
}
