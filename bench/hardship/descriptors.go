// Fewer file descriptors than there are connections.

//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

const (
	keptClients     = 20
	requestsOfEach  = 5
	keptRequests    = keptClients * requestsOfEach
	halfConnections = 400
)

// fewDescriptors: a program may open fewer files than its clients and their servers need at once. Requests can wait for
// a file to be closed, and servers must not be blamed for the lack.
var fewDescriptors = hardship{
	name:  "few-descriptors",
	what:  "ulimit -n 40, 100 requests of 20 kept clients",
	right: "100 × 200",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		p, err := startNarrow(ctx, s, 40)
		if err != nil {
			return verdict{}, err
		}
		return ofKept(askAllKept(ctx, p.Addr, 50*time.Millisecond, nil)), nil
	},
}

// slowConnections: the files are used up by clients that never finish their first line, while others are established.
var slowConnections = hardship{
	name:  "slow-connections",
	what:  "ulimit -n 200, 400 connections that send half a head, 100 requests of 20 clients that came before",
	right: "100 × 200",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		p, err := startNarrow(ctx, s, 200)
		if err != nil {
			return verdict{}, err
		}
		return ofKept(askAllKept(ctx, p.Addr, 400*time.Millisecond, func() {
			var all sync.WaitGroup
			for range halfConnections {
				all.Go(func() {
					c, err := dial(p.Addr, time.Second)
					if err != nil {
						return // no room for it any more
					}
					s.atEnd(func() { _ = c.Close() })
					_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x")
				})
			}
			all.Wait()
		})), nil
	},
}

// startNarrow starts a program that may open no more than so many files, by its soft and hard limit.
func startNarrow(ctx context.Context, s *stand, files int) (*peers.Process, error) {
	var addrs []string
	for range 2 {
		addr, err := s.serve(says("ok"))
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	plan := stock(addrs...)
	plan.Probes, plan.Files = true, files
	plan.Begin = func(cmd *exec.Cmd) error {
		cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, files), "sh", cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		return cmd.Start()
	}
	return s.start(ctx, plan)
}

// askAllKept has clients ask at their own pace, each on a connection that it keeps. When all have had their first
// answer they wait until meanwhile has returned.
func askAllKept(ctx context.Context, addr string, every time.Duration, meanwhile func()) tally {
	var mu sync.Mutex
	var all, first sync.WaitGroup
	begun := make(chan struct{})
	got := tally{}
	first.Add(keptClients)
	for range keptClients {
		all.Go(func() {
			k := kept{addr: addr}
			defer k.close()
			for i := range requestsOfEach {
				status := k.ask()
				mu.Lock()
				got[status]++
				mu.Unlock()
				if i == 0 {
					first.Done()
					if meanwhile != nil {
						<-begun
					}
				}
				if alarm.Pause(ctx, every) != nil {
					return
				}
			}
		})
	}
	if meanwhile != nil {
		first.Wait()
		meanwhile()
		close(begun)
	}
	all.Wait()
	return got
}

// kept is a client that keeps its connection, and opens another when the old one has ended, as every HTTP client does.
type kept struct {
	addr string
	c    *client
}

func (k *kept) ask() (status int) {
	const within = 10 * time.Second
	for range 2 {
		reused := k.c != nil
		if !reused {
			var err error
			if k.c, err = dial(k.addr, within); err != nil {
				k.c = nil
				return 0
			}
		}
		answer, err := k.c.begin(get, within)
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
		}
		if err != nil || answer.Close {
			k.close()
		}
		if err == nil {
			return answer.StatusCode
		}
		if !reused {
			return 0
		}
	}
	return 0
}

func (k *kept) close() {
	if k.c != nil {
		_ = k.c.Close()
		k.c = nil
	}
}

func ofKept(got tally) verdict {
	return verdict{got.text("no answer"), got[http.StatusOK] == keptRequests}
}
