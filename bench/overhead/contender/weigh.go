//go:build linux

package contender

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// PIDs are the contender's processes, the one that was started first.
func (p *Process) PIDs() ([]int, error) { return tree(p.PID()) }

// tree lists a process and its descendants, found through every thread, since a child belongs to the thread that
// forked it.
func tree(pid int) ([]int, error) {
	all := []int{pid}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that ended meanwhile
		}
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", file, err)
			}
			below, err := tree(child)
			if err != nil {
				return nil, err
			}
			all = append(all, below...)
		}
	}
	return all, nil
}

// CPU is the time the contender has spent so far, user and system, of all its threads (ended ones too), to the
// nanosecond.
func (p *Process) CPU() (time.Duration, error) {
	pids, err := p.PIDs()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, pid := range pids {
		spent, err := CPU(pid)
		if err != nil {
			return 0, fmt.Errorf("read CPU time of %s: %w: %s", p.Name, err, p.Said())
		}
		sum += spent
	}
	return sum, nil
}

// CPU is the time one process has spent. The kernel's clock of another process (clock_getcpuclockid(3)) counts up
// to this instant; /proc/PID/stat has ticks, and schedstat lags behind a thread that is running.
func CPU(pid int) (time.Duration, error) {
	const schedulerClock = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|schedulerClock, &t); err != nil {
		return 0, fmt.Errorf("read CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// Waited is how long the contender's present threads have been ready to run while something else had their core:
// in a short stretch, the measure of a disturbed one. 0 where the kernel keeps no such figures.
func (p *Process) Waited() (time.Duration, error) {
	pids, err := p.PIDs()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil {
			return 0, err
		}
		for _, file := range files {
			var ran, waited, slices int64
			if text, err := os.ReadFile(file); err == nil {
				if _, err := fmt.Sscan(string(text), &ran, &waited, &slices); err != nil {
					return 0, fmt.Errorf("parse %s: %w", file, err)
				}
			}
			sum += time.Duration(waited)
		}
	}
	return sum, nil
}

// Memory is what a process occupies, in bytes.
type Memory struct {
	RSS int64 // resident, shared pages counted in full
	PSS int64 // resident, each shared page divided among those that share it
}

// Memory sums over the contender's processes.
func (p *Process) Memory() (Memory, error) {
	pids, err := p.PIDs()
	if err != nil {
		return Memory{}, err
	}
	var sum Memory
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return Memory{}, fmt.Errorf("read memory of %s: %w", p.Name, err)
		}
		m, err := parseRollup(text)
		if err != nil {
			return Memory{}, fmt.Errorf("read memory of %s: %w", p.Name, err)
		}
		sum.RSS += m.RSS
		sum.PSS += m.PSS
	}
	return sum, nil
}

func parseRollup(text []byte) (Memory, error) {
	found := map[string]int64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || fields[2] != "kB" {
			continue
		}
		kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return Memory{}, fmt.Errorf("parse smaps_rollup: %q: %w", lines.Text(), err)
		}
		found[fields[0]] = kilobytes << 10
	}
	rss, ok1 := found["Rss:"]
	pss, ok2 := found["Pss:"]
	if !ok1 || !ok2 {
		return Memory{}, fmt.Errorf("parse smaps_rollup: no Rss or Pss in %q", text)
	}
	return Memory{RSS: rss, PSS: pss}, nil
}
