// Keeping a program on one core.

package peers

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

// OnCore begins a command on a core of its own: a child inherits the affinity of the thread that forks it, and has it
// before its first instruction, in time for a runtime that sizes itself by it. It goes before other programs, too.
func OnCore(core int) func(*exec.Cmd) error {
	return func(cmd *exec.Cmd) error {
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
			prefer(cmd.Process.Pid, niceness, 0)
		}
		return errors.Join(err, unix.SchedSetaffinity(0, &before))
	}
}
