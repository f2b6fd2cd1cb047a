// Reloads at the worst moments: while draining, and at the start.

//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// reloadWhileDraining: a supervisor tells a program to finish, and a script that knows nothing of it tells it to reload.
var reloadWhileDraining = hardship{
	name:  "reload-draining",
	what:  "reload signal while draining, a stream runs",
	right: "stream whole, then ends",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		addr, err := s.serve(streams(15, 100*time.Millisecond))
		if err != nil {
			return verdict{}, err
		}
		plan := stock(addr)
		plan.Master = true
		p, err := s.start(ctx, plan)
		if err != nil {
			return verdict{}, err
		}
		run, err := openStream(p.Addr)
		if err != nil {
			return verdict{}, err
		}
		defer run.Close()
		if err := drain(p); err != nil {
			return verdict{}, err
		}
		if err := alarm.Pause(ctx, 300*time.Millisecond); err != nil {
			return verdict{}, err
		}
		if err := reload(p.Name, p.PID()); err != nil {
			return verdict{}, fmt.Errorf("reload: %w", err)
		}
		if !run.whole() {
			return verdict{text: "stream cut" + map[bool]string{true: ", dies"}[p.Ended() != nil]}, nil
		}
		_ = run.Close()
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			if p.Ended() != nil {
				return verdict{"stream whole, then ends", true}, nil
			}
			if err := alarm.Pause(ctx, 20*time.Millisecond); err != nil {
				return verdict{}, err
			}
		}
		if c, err := dial(p.Addr, time.Second); err == nil { // as HAProxy's master does: it takes up new work
			return verdict{text: "stream whole, then serves again"}, c.Close()
		}
		return verdict{text: "stream whole; does not end"}, nil
	},
}

// reloadDelays count from the program's exec, or from its first use of a core. Some fall before it has read its
// configuration, some while it starts to listen.
var reloadDelays = []time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 15 * time.Millisecond, 20 * time.Millisecond, 30 * time.Millisecond,
	45 * time.Millisecond, 60 * time.Millisecond, 80 * time.Millisecond, 100 * time.Millisecond,
}

// reloadAtStart: a configuration is written right after the start, and told to a program that is not yet there to hear it.
var reloadAtStart = hardship{
	name:  "reload-start",
	what:  fmt.Sprintf("new file and reload signal 5 to 100 ms after exec, %d starts", len(reloadDelays)),
	right: "all live and serve the new file",
	run: func(ctx context.Context, s *stand) (verdict, error) {
		before, err := s.serve(says("old"))
		if err != nil {
			return verdict{}, err
		}
		after, err := s.serve(says("new"))
		if err != nil {
			return verdict{}, err
		}
		var died, forgot int
		for _, delay := range reloadDelays {
			plan := stock(before)
			plan.Master = true
			plan.Begin = func(cmd *exec.Cmd) error { return startAndReload(s.program.Name, cmd, delay, before, after) }
			p, err := s.start(ctx, plan)
			if err != nil {
				died++ // what it said is in err
				continue
			}
			switch says := finally(ctx, p, "new"); {
			case p.Ended() != nil:
				died++
			case says != "new":
				forgot++
			}
			p.Stop()
		}
		if died+forgot == 0 {
			return verdict{"all live and serve the new file", true}, nil
		}
		return verdict{text: fmt.Sprintf("%d die, %d serve the old file", died, forgot)}, nil
	},
}

// startAndReload starts the command and, a moment later, puts a new address in its configuration and tells it so.
func startAndReload(program string, cmd *exec.Cmd, delay time.Duration, before, after string) error {
	file := cmd.Args[len(cmd.Args)-1]
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fresh := file + ".new"
	if err := os.WriteFile(fresh, []byte(strings.ReplaceAll(string(text), before, after)), 0o600); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	time.AfterFunc(delay, func() {
		awaitStep(cmd.Process.Pid)
		if os.Rename(fresh, file) == nil {
			_ = reload(program, cmd.Process.Pid) // gone already: that is seen
		}
	})
	return nil
}

// awaitStep returns when a program has had some time of a core. On a busy machine, or when its file has to be read
// first, it may not have begun 5 ms after its exec, and then it cannot hear a signal.
func awaitStep(pid int) {
	const step = 10 * time.Millisecond
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond / 5) {
		if spent, err := peers.CPU(pid); err != nil || spent >= step {
			return
		}
	}
}

// finally asks until the answer is the wanted one, for a few seconds at most, and returns the last
// answer.
func finally(ctx context.Context, p *peers.Process, wanted string) (body string) {
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end) && p.Ended() == nil; {
		if _, body, _ = askOnce(p.Addr, get, time.Second); body == wanted {
			break
		}
		if alarm.Pause(ctx, 20*time.Millisecond) != nil {
			break
		}
	}
	return body
}
