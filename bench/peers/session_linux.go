// How programs are scheduled, and that none is left behind.

package peers

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownSession is for a program that Stop reaches with everything it starts, and that ends when this program does. (The
// signal comes when the thread that started it ends; those of the runtime do not.)
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}

// How what is measured is scheduled, the same for all. It matters on a machine that compiles meanwhile; a quiet one gives
// the same figures without.
const (
	niceness = -15 // goes before whatever else the machine is doing; only root may
	// ShortSlice is the time that a thread asks for at once, the least there is. Since Linux 6.12 a thread that wakes
	// takes the place of one that asked for more; else it would wait for the end of a slice of 3 ms. Older kernels take
	// no notice. Programs that have cores of their own (OnCore) keep the system's slice, so that their figures can be
	// set beside earlier ones.
	ShortSlice = 100 * time.Microsecond
)

// PreferSelf puts this program before others, as far as it may, with slices of that length (0: the system's); undo takes
// that back.
func PreferSelf(slice time.Duration) (undo func()) {
	prefer(os.Getpid(), niceness, slice)
	return func() { prefer(os.Getpid(), 0, 0) }
}

// preferChild does the same for a program that was started: its session is scheduled on its own.
func preferChild(pid int) { prefer(pid, niceness, ShortSlice) }

// prefer sets the niceness and the slice (0 for the system's) of all threads of a process. Where sessions are scheduled
// as groups (autogroup) it sets the niceness of its session too, since a thread's counts only within its session. What
// it may not set stays as it is.
func prefer(pid int, niceness int32, slice time.Duration) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return // gone, which is told elsewhere
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Nice: niceness, Runtime: uint64(slice)}
		if unix.SchedSetAttr(id, &attributes, 0) != nil {
			attributes.Nice = 0
			_ = unix.SchedSetAttr(id, &attributes, 0)
		}
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", pid), []byte(strconv.Itoa(int(niceness))), 0)
}
