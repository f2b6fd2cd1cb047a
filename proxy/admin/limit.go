// Bounds on what the admin listener does at once.

package admin

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Bounds on what the admin listener does at once, so that nobody who reaches it, not even
// a scraper gone wild, can take memory and cores from requests.
const (
	maxConns   = 160 // room for all who watch or follow, and for as many who ask
	maxScrapes = 8   // pages being sent, each of which may be megabytes
	maxStates  = 2   // answers with the state of all endpoints being made
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
// one that has been silent for longest is closed, or the new one if all are busy: whoever
// holds connections open and asks nothing keeps no operator out.
type conns struct {
	mu     sync.Mutex
	open   int
	silent []net.Conn // still owe a request, or a part of it; the longest silent first
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
		if len(c.silent) == 0 {
			return false
		}
		_ = c.silent[0].Close() // the server reports its end, which state counts
		c.silent = c.silent[1:]
	}
	c.open++
	return true
}

// state is the server's ConnState. A connection is new or idle until the whole head of a
// request is there.
func (c *conns) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.speaks(conn)
	switch state {
	case http.StateNew, http.StateIdle:
		c.silent = append(c.silent, conn)
	case http.StateClosed, http.StateHijacked:
		c.open--
	}
}

// speaks takes a connection from the silent ones. The caller holds mu.
func (c *conns) speaks(conn net.Conn) {
	if i := slices.Index(c.silent, conn); i >= 0 {
		c.silent = slices.Delete(c.silent, i, i+1)
	}
}

// socket is the key of a request's connection among the values of its context.
type socket struct{}

// withSocket is the server's ConnContext.
func withSocket(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, socket{}, conn)
}

// read reads the bodies of requests, of at most so many bytes, before next serves them: until its body is there, a
// connection counts as silent. One whose body is longer than it may be stays so.
func (c *conns) read(most int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, known := r.Context().Value(socket{}).(net.Conn)
		if r.ContentLength == 0 || !known {
			next.ServeHTTP(w, r)
			return
		}
		c.state(conn, http.StateIdle)
		body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
		if err != nil {
			fail(w, http.StatusBadRequest, "the request's body: "+err.Error())
			return
		}
		if int64(len(body)) <= most {
			c.state(conn, http.StateActive)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}
