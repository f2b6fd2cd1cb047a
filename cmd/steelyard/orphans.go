// Reaping processes that nobody else waits for, as process 1 of a container has to.

package main

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// orphans are dead children of this process that it has not started: whoever did has ended before them, as a program
// of recovery does that leaves others behind. Only process 1 has such. Until somebody waits for them they keep their
// places in the table of processes.
//
// What this process has started is waited for by whoever started it, at once. So what is still there some looks later is an orphan.
type orphans struct {
	folder string // that tells of processes
	dead   map[int]*dead
}

// dead is a process that has ended and is waited for.
type dead struct {
	began string // when, so that another one of its number is told from it
	looks int    // at which it was there
}

const (
	orphanLook  = time.Second // between two looks
	orphanLooks = 3           // after so many it is nobody's
)

func newOrphans() *orphans { return &orphans{folder: "/proc", dead: map[int]*dead{}} }

// run reaps until ctx ends. Without a folder of processes there is nothing that it can do.
func (o *orphans) run(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for left := o.look(); ; left = o.look() {
		if !left {
			select {
			case <-ended:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(orphanLook):
		case <-ctx.Done():
			return
		}
	}
}

// look reaps those that were dead at the looks before, and reports whether any others are.
func (o *orphans) look() (left bool) {
	now := o.children()
	for pid, began := range now {
		d := o.dead[pid]
		if d == nil || d.began != began {
			d = &dead{began: began}
			o.dead[pid] = d
		}
		if d.looks++; d.looks >= orphanLooks {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
	for pid := range o.dead {
		if _, is := now[pid]; !is {
			delete(o.dead, pid)
		}
	}
	return len(now) > 0
}

// children are the dead children of this process, and when each began.
func (o *orphans) children() map[int]string {
	entries, _ := os.ReadDir(o.folder)
	list := map[int]string{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(o.folder + "/" + entry.Name() + "/stat")
		if err != nil {
			continue
		}
		if began, is := deadChild(string(stat), os.Getpid()); is {
			list[pid] = began
		}
	}
	return list
}

// deadChild says whether a line of /proc/PID/stat is that of a dead child of parent, and when it began. The name, which may
// be anything, stands in brackets.
func deadChild(stat string, parent int) (began string, is bool) {
	const state, parentAt, beganAt = 0, 1, 19 // counted from behind the name
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) <= beganAt || fields[state] != "Z" || fields[parentAt] != strconv.Itoa(parent) {
		return "", false
	}
	return fields[beganAt], true
}
