// The CPU time, waiting and memory of a program with all its processes.

package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// each looks at one process after the other.
func (p *Process) each(what string, look func(pid int) error) error {
	pids, err := p.PIDs()
	for _, pid := range pids {
		if err = look(pid); err != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("read %s of %s: %w: %s", what, p.Name, err, p.said)
	}
	return nil
}

// CPU is the time the contender has spent so far, user and system, of all its threads (ended ones too), to the
// nanosecond.
func (p *Process) CPU() (sum time.Duration, err error) {
	err = p.each("CPU time", func(pid int) error {
		spent, err := CPU(pid)
		sum += spent
		return err
	})
	return sum, err
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
func (p *Process) Waited() (sum time.Duration, err error) {
	err = p.each("waiting time", func(pid int) error {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil {
			return err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a thread that ended meanwhile
			}
			var ran, waited int64
			if _, err := fmt.Sscan(string(text), &ran, &waited); err != nil {
				return fmt.Errorf("parse %s: %w", file, err)
			}
			sum += time.Duration(waited)
		}
		return nil
	})
	return sum, err
}

// Memory is what a process occupies, in bytes.
type Memory struct {
	RSS int64 // resident, shared pages counted in full
	PSS int64 // resident, each shared page divided among those that share it
}

// Memory sums over the contender's processes.
func (p *Process) Memory() (sum Memory, err error) {
	err = p.each("memory", func(pid int) error {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return err
		}
		m, err := parseRollup(string(text))
		sum.RSS += m.RSS
		sum.PSS += m.PSS
		return err
	})
	return sum, err
}

func parseRollup(text string) (Memory, error) {
	found, err := Sizes(text, "Rss", "Pss")
	if err != nil {
		return Memory{}, fmt.Errorf("parse smaps_rollup: %w", err)
	}
	return Memory{RSS: found[0], PSS: found[1]}, nil
}

// Sizes reads from a file of /proc what its lines of these names say in kB, in bytes. None of them may be missing or 0.
func Sizes(text string, names ...string) ([]int64, error) {
	found := make([]int64, len(names))
	for line := range strings.Lines(text) {
		var name string
		var kilobytes int64
		_, _ = fmt.Sscan(line, &name, &kilobytes) // other lines hold other things
		if i := slices.Index(names, strings.TrimSuffix(name, ":")); i >= 0 {
			found[i] = kilobytes << 10
		}
	}
	if slices.Contains(found, 0) {
		return nil, fmt.Errorf("no %s in %q", strings.Join(names, " or "), text)
	}
	return found, nil
}
