// Processes on Linux: whose they are, and ending those that nobody keeps.

package keeper

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// inheritOrphans makes this process the parent of all below it that lose theirs.
func inheritOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// attributes are those of a server: a group of its own, and its end when this thread ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// ownProgram is this very program, also when its file was replaced.
func ownProgram() (string, error) { return "/proc/self/exe", nil }

// process is one process: its number may be another's later, but not with the same beginning.
type process struct {
	pid   int
	began string
}

// stat is what /proc says of a process.
type stat struct {
	process
	parent int
	group  int
	dead   bool // nobody has waited for it yet
}

// statOf reads /proc/PID/stat. The name, which may be anything, stands in brackets.
func statOf(pid int) (s stat, ok bool) {
	const state, parentAt, groupAt, beganAt = 0, 1, 2, 19 // counted from behind the name
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, false
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= beganAt {
		return s, false
	}
	s.process = process{pid, fields[beganAt]}
	s.parent, _ = strconv.Atoi(fields[parentAt])
	s.group, _ = strconv.Atoi(fields[groupAt])
	s.dead = fields[state] == "Z" || fields[state] == "X"
	return s, true
}

// all are the processes of this machine, or of this container.
func all() map[int]stat {
	entries, _ := os.ReadDir("/proc")
	list := map[int]stat{}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if s, ok := statOf(pid); ok {
				list[pid] = s
			}
		}
	}
	return list
}

// descendants are the living processes below one.
func descendants(of int) (list []process) {
	now := all()
	for _, s := range now {
		for up, steps := s.parent, 0; up > 0 && steps < len(now); up, steps = now[up].parent, steps+1 {
			if up == of {
				if !s.dead {
					list = append(list, s.process)
				}
				break
			}
		}
	}
	return list
}

func (p process) inGroup(group int) bool {
	s, ok := statOf(p.pid)
	return ok && s.process == p && s.group == group
}

// alive says whether it still runs.
func (p process) alive() bool {
	s, ok := statOf(p.pid)
	return ok && s.process == p && !s.dead
}

// signal reaches this process or none: the descriptor that FindProcess holds is of one process, whoever has the number later.
func (p process) signal(s syscall.Signal) {
	found, err := os.FindProcess(p.pid)
	if err != nil {
		return
	}
	defer func() { _ = found.Release() }()
	if p.alive() {
		_ = found.Signal(s)
	}
}

// self is this process.
func self() process {
	s, _ := statOf(os.Getpid())
	return s.process
}

// space is which numbers count here: another container has others.
func space(pid string) string {
	link, _ := os.Readlink("/proc/" + pid + "/ns/pid")
	return link
}

// A mark is "NAME PID BEGAN SPACE": whose process it is, and who is to see to it.
func gatewayMark(name string) string { return mark(name) }
func keeperMark(name string) string  { return mark(name) }

func mark(name string) string {
	me := self()
	return strings.Join([]string{name, strconv.Itoa(me.pid), me.began, space("self")}, " ")
}

// marked are the processes of this space whose environment has a mark of that name, and whose process of the mark is gone.
// prefix is that of the name within the mark; "": any.
func marked(variable, prefix string) (list []process) {
	own := space("self")
	for pid, s := range all() {
		environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil || s.dead || pid == os.Getpid() {
			continue
		}
		for _, line := range bytes.Split(environment, []byte{0}) {
			value, is := strings.CutPrefix(string(line), variable+"=")
			if !is || !strings.HasPrefix(value, prefix) || space(strconv.Itoa(pid)) != own {
				continue
			}
			if owner, ok := ownerOf(value, own); ok && !owner.alive() {
				list = append(list, s.process)
			}
		}
	}
	return list
}

// ownerOf reads a mark, if it was made in our space.
func ownerOf(mark, own string) (process, bool) {
	fields := strings.Fields(mark)
	if len(fields) < 4 || fields[len(fields)-1] != own {
		return process{}, false
	}
	pid, err := strconv.Atoi(fields[len(fields)-3])
	return process{pid, fields[len(fields)-2]}, err == nil && pid > 0
}

// EndLeft ends what servers have left whose keepers are gone. With a prefix it also waits for keepers whose gateways are
// gone, and whose names begin so: they end by themselves. It returns when nothing is left or ctx ends, and says how many
// processes it has killed.
func EndLeft(ctx context.Context, prefix string) (killed int) {
	seen := map[process]bool{}
	for {
		left := marked(markName, "")
		for _, p := range left {
			if !seen[p] {
				seen[p] = true
				killed++
			}
			p.signal(syscall.SIGKILL)
		}
		if len(left) == 0 && (prefix == "" || len(marked(variable, prefix)) == 0) {
			return killed
		}
		select {
		case <-time.After(killAgain):
		case <-ctx.Done():
			return killed
		}
	}
}
