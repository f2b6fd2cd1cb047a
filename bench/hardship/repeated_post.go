// A server works on a POST and is lost before it answers.

//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// worked is how long a server works on a request before it is lost: longer than any connection takes to close.
const worked = 1500 * time.Millisecond

// workThenDeath: a server works on a POST that came on a kept connection, and closes it without an answer. What has been
// begun may have had effects, so it is not begun again.
var workThenDeath = hardship{
	name:  "work-lost",
	what:  "POST on a kept connection that dies after 1.5 s of work",
	right: "sent once",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		return loseWork(ctx, s, func(*http.Server) {})
	},
}

// workThenDeathOfAll: the same, and the server goes with all its connections, as when a request kills it. The next
// server must not be given that request.
var workThenDeathOfAll = hardship{
	name:  "server-lost",
	what:  "the same, and the server dies with it",
	right: "sent once",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		return loseWork(ctx, s, func(server *http.Server) { _ = server.Close() })
	},
}

func loseWork(ctx context.Context, s *stand, die func(*http.Server)) (verdict, error) {
	var posts atomic.Int32
	var addrs []string
	for range 2 {
		var server atomic.Pointer[http.Server]
		started, addr, err := s.serveTLS(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.Method != http.MethodPost {
				_, _ = io.WriteString(w, "ok")
				return
			}
			posts.Add(1)
			time.Sleep(worked) // even when nobody waits any more, as servers do
			die(server.Load())
			panic(http.ErrAbortHandler)
		}, nil)
		if err != nil {
			return verdict{}, err
		}
		server.Store(started)
		addrs = append(addrs, addr)
	}
	p, err := s.start(ctx, stock(addrs...))
	if err != nil {
		return verdict{}, err
	}
	c, err := dial(p.Addr, time.Second)
	if err != nil {
		return verdict{}, err
	}
	defer c.Close()
	for range 4 { // so that both servers have a kept connection
		if status, _, err := c.ask(get, 5*time.Second); err != nil || status != http.StatusOK {
			return verdict{text: fmt.Sprintf("answers %d to the first requests", status)}, err
		}
	}
	_, _, _ = c.ask(post, 10*time.Second) // 502, or the connection ends: either will do
	if n := posts.Load(); n != 1 {
		return verdict{text: fmt.Sprintf("sent %d times", n)}, nil
	}
	return verdict{"sent once", true}, nil
}
