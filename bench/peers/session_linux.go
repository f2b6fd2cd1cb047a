package peers

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownSession is for a program that Stop reaches with everything it starts, and that ends when this program does. (The
// signal comes when the thread that started it ends; those of the runtime do not.)
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}

// niceness puts what is measured before whatever else the machine is doing, the same for all. It matters on a machine
// that compiles meanwhile; a quiet one gives the same figures without.
const niceness = -15

// PreferSelf puts this program before others, as far as it may; undo takes that back. Only root may.
func PreferSelf() (undo func()) {
	prefer(os.Getpid(), niceness)
	return func() { prefer(os.Getpid(), 0) }
}

// preferChild does the same for a program that was started: its session is scheduled on its own.
func preferChild(pid int) { prefer(pid, niceness) }

// prefer sets the niceness of all threads of a process, and of its session where sessions are scheduled as groups
// (autogroup), since that of a thread only counts within it. Whatever may not be stays as it is.
func prefer(pid, niceness int) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return // gone, which is told elsewhere
	}
	for _, task := range tasks {
		if id, err := strconv.Atoi(task.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, niceness)
		}
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", pid), []byte(strconv.Itoa(niceness)), 0)
}
