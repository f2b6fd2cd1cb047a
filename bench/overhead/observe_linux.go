// System calls and profiles, by perf.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// counted are the system calls told apart; the rest are "other".
var counted = []string{
	"read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg", "epoll_wait", "epoll_pwait",
	"epoll_ctl", "accept4", "socket", "connect", "close", "shutdown", "setsockopt", "getsockopt", "ioctl", "splice",
	"futex", "nanosleep", "clock_nanosleep", "clock_gettime", "sched_yield", "tgkill", "rt_sigreturn", "madvise",
}

// attachTime is what perf needs to open its events on every thread, and more.
const attachTime = 700 * time.Millisecond

// observe repeats a load under perf, outside the rounds, because being watched costs: system calls of every proxy,
// and a profile of steelyard, whose file the suffix names. Without perf there is a note in place of the figures.
func (l *lab) observe(ctx context.Context, proxies []target, scenario, suffix string, load load) error {
	for _, t := range proxies {
		var err error
		if l.Syscalls {
			err = l.count(ctx, t, scenario, load)
		}
		if l.ProfileOut != "" && suffix != "" && strings.HasPrefix(t.name, "steelyard") {
			file := l.ProfileOut + suffix + strings.ReplaceAll(strings.TrimPrefix(t.name, "steelyard"), "/", ".")
			_, _, profileErr := l.watch(ctx, t, load, []string{"record", "-q", "-g", "-F", "999", "-o", file})
			err = errors.Join(err, profileErr)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			l.report.note("%s under perf (%s): %v", t.name, scenario, err)
		}
	}
	return nil
}

func (l *lab) count(ctx context.Context, t target, scenario string, load load) error {
	args := []string{"stat", "-x", ";", "-e", every}
	for _, name := range counted {
		// Not every architecture has every call, and perf refuses the lot for one it does not know.
		if _, err := os.Stat("/sys/kernel/tracing/events/syscalls/sys_enter_" + name); err == nil {
			args = append(args, "-e", "syscalls:sys_enter_"+name)
		}
	}
	text, units, err := l.watch(ctx, t, load, args)
	if err != nil {
		return err
	}
	counts, err := parseCounts(text)
	if err != nil {
		return err
	}
	c := Counts{Scenario: scenario, Target: t.name, PerUnit: map[string]float64{}}
	for name, n := range counts {
		c.PerUnit[name] = float64(n) / float64(units)
	}
	l.report.Syscalls = append(l.report.Syscalls, c)
	return nil
}

// watch has perf look at the target while a load comes and goes, and returns what perf said and how many requests or
// chunks there were, the warm-up included.
func (l *lab) watch(ctx context.Context, t target, load load, args []string) (said []byte, units int, err error) {
	pids, err := t.process.PIDs()
	if err != nil {
		return nil, 0, err
	}
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(pids), " ", ","), "[]")
	perf := exec.CommandContext(ctx, "perf", append(args, "-p", list)...)
	var out bytes.Buffer
	perf.Stdout, perf.Stderr = &out, &out
	if err := perf.Start(); err != nil {
		return nil, 0, err
	}
	before := l.up.Requests + l.up.Chunks
	err = l.loop.Run(ctx, attachTime, nil)
	if err == nil {
		err = load(ctx, l, t, &Sample{})
	}
	_ = perf.Process.Signal(os.Interrupt) // it then writes what it has; gone already: Wait says why
	waitErr := perf.Wait()
	var exit *exec.ExitError
	if errors.As(waitErr, &exit) && !exit.Exited() {
		waitErr = nil // perf ends itself by the same signal when it has finished
	}
	if err := errors.Join(err, waitErr); err != nil {
		return nil, 0, fmt.Errorf("perf %s: %w: %s", args[0], err, bytes.TrimSpace(out.Bytes()))
	}
	return out.Bytes(), l.up.Requests + l.up.Chunks - before, nil
}
