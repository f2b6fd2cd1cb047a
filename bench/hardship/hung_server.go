// A server that takes requests and answers none.

//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

// hungServer: one of two servers takes requests and answers none, and nobody has said how to ask it for its health.
var hungServer = hardship{
	name:  "hung-server",
	what:  "one of two servers hangs, no health path, 2 s for an answer, 60 requests",
	right: "none hangs for ever",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		const clients, each = 10, 6
		hung, err := s.serve(hangs)
		if err != nil {
			return verdict{}, err
		}
		well, err := s.serve(says("ok"))
		if err != nil {
			return verdict{}, err
		}
		plan := stock(hung, well)
		plan.Answer = 2 * time.Second
		p, err := s.start(ctx, plan)
		if err != nil {
			return verdict{}, err
		}
		var mu sync.Mutex
		var all sync.WaitGroup
		got := tally{}
		for range clients {
			all.Go(func() {
				for range each {
					status, _, _ := askOnce(p.Addr, get, 8*time.Second)
					mu.Lock()
					got[status]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		return verdict{got.text("no answer in 8 s"), got[0] == 0}, nil
	},
}

// patienceByDefault: what bounds the wait for an answer where nobody has set anything. It is read from the configuration
// that the program says it would serve, since the bound may be longer than any run of this bench.
var patienceByDefault = hardship{
	name:  "default-patience",
	what:  "the same with nothing set: the longest wait for an answer's first byte",
	right: "bounded",
	asked: steelyardOnly,
	run: func(ctx context.Context, s *stand) (verdict, error) {
		file, plan := filepath.Join(s.dir, "defaults.yaml"), stock("127.0.0.1:1")
		plan.Listen = "127.0.0.1:0"
		text, err := s.program.Config(plan)
		if err != nil {
			return verdict{}, err
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return verdict{}, err
		}
		said, err := exec.CommandContext(ctx, s.program.Path, "check", "--config", file).CombinedOutput()
		if err != nil {
			return verdict{}, fmt.Errorf("ask for the defaults: %w: %s", err, said)
		}
		found := regexp.MustCompile(`first_byte: ([0-9hms.]+)`).FindSubmatch(said)
		if found == nil {
			return verdict{}, fmt.Errorf("ask for the defaults: no first_byte in %s", said)
		}
		longest, err := time.ParseDuration(string(found[1]))
		if longest == 0 {
			return verdict{text: "none"}, err
		}
		return verdict{longest.String(), true}, err
	},
}
