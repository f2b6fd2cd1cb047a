//go:build linux

package contender

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// PinSelf moves every thread of this program to one core. The threads that the runtime starts later inherit it.
func PinSelf(core int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list own threads: %w", err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			return fmt.Errorf("list own threads: %w", err)
		}
		if err := pin(id, core); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

func pin(thread, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("pin to core %d: %w", core, err)
	}
	return nil
}

// startOn starts cmd on a core of its own: a child inherits the affinity of the thread that forks it, and has it
// before its first instruction, in time for a runtime that sizes itself by it. It goes before other programs, too.
func startOn(core int, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("read own affinity: %w", err)
	}
	if err := pin(0, core); err != nil {
		return err
	}
	err := cmd.Start()
	if err == nil {
		prefer(cmd.Process.Pid, niceness)
	}
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// niceness puts both sides before whatever else the machine is doing, the same for all contenders. It matters on a
// machine that compiles meanwhile; a quiet one gives the same figures without. Slices of time stay the system's, unlike
// in bench/peers, so that figures can be set beside earlier ones.
const niceness = -15

// PreferSelf puts this program before others, as far as it may; undo takes that back.
func PreferSelf() (undo func()) {
	prefer(os.Getpid(), niceness)
	return func() { prefer(os.Getpid(), 0) }
}

// prefer sets the niceness of a process and of its session. Where sessions are scheduled as groups (autogroup), that
// of a process only counts within its session. Only root may; for others things stay as they are.
func prefer(pid, niceness int) {
	_ = unix.Setpriority(unix.PRIO_PROCESS, pid, niceness)
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", pid), []byte(strconv.Itoa(niceness)), 0)
}
