// Slow senders of large bodies, as many as there are slots.

//go:build linux

package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

// slowUploads: clients that send next to nothing of large bodies are as many as all servers have slots. Whoever has
// something to ask must not wait for them.
var slowUploads = hardship{
	name:  "slow-uploads",
	what:  "8 uploads of 8 MB at a byte each 5 s, 2 servers with 4 slots, 6 other requests",
	right: "6 × 200",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		return besideUploads(ctx, s, 8, 0, 5*time.Second)
	},
}

// startedUploads: the same, but the clients begin as fast as others, and are twice as many.
var startedUploads = hardship{
	name:  "started-uploads",
	what:  "16 uploads of 8 MB, 20 KB at once and then a byte each second, 2 servers with 4 slots, 6 other requests",
	right: "6 × 200",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		return besideUploads(ctx, s, 16, 20_000, time.Second)
	},
}

// besideUploads asks 6 times beside uploads that begin with so many bytes and go on with one at a time.
func besideUploads(ctx context.Context, s *stand, uploads, first int, each time.Duration) (verdict, error) {
	const others = 6
	var addrs []string
	for range 2 {
		addr, err := s.serve(says("ok"))
		if err != nil {
			return verdict{}, err
		}
		addrs = append(addrs, addr)
	}
	plan := stock(addrs...)
	plan.Slots, plan.Wait = true, 10*time.Second
	for i := range plan.Endpoints {
		plan.Endpoints[i].Slots = 4
	}
	p, err := s.start(ctx, plan)
	if err != nil {
		return verdict{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range uploads {
		c, err := dial(p.Addr, time.Second)
		if err != nil {
			return verdict{}, err
		}
		defer c.Close()
		head := "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 8000000\r\n\r\n"
		if _, err := io.WriteString(c, head+strings.Repeat("x", first)); err != nil {
			return verdict{}, err
		}
		go func() {
			for err := error(nil); err == nil; err = alarm.Pause(ctx, each) {
				if _, err := io.WriteString(c, "x"); err != nil {
					return // it has been shown the door, which is fine
				}
			}
		}()
	}
	if err := alarm.Pause(ctx, time.Second); err != nil {
		return verdict{}, err
	}
	got := askAtOnce(p.Addr, post, others, 15*time.Second)
	return verdict{got.text("no answer in 15 s"), got[http.StatusOK] == others}, nil
}

// askAtOnce sends so many requests at once, each on a connection of its own.
func askAtOnce(addr, request string, n int, within time.Duration) tally {
	var mu sync.Mutex
	var all sync.WaitGroup
	got := tally{}
	for range n {
		all.Go(func() {
			status, _, _ := askOnce(addr, request, within)
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	all.Wait()
	return got
}
