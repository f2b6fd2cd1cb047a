// What the gateway and the keeper say to each other: lines of JSON.

package keeper

import (
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Plan is what is to be run. It is the first line that a keeper gets.
type Plan struct {
	Name        string        `json:"name"` // such as "chat-0"; for people
	Args        []string      `json:"args"`
	Env         []string      `json:"env"`          // all of it
	Dir         string        `json:"dir"`          // "": the gateway's
	Log         string        `json:"log"`          // the file that gets what it writes; "": only the end of it is kept
	LogBytes    int64         `json:"log_bytes"`    // of one file; one older file is kept
	StopTimeout time.Duration `json:"stop_timeout"` // from SIGTERM to SIGKILL
}

// told is a line of the keeper.
type told struct {
	Pid     int    `json:"pid,omitempty"`     // it runs
	Problem string `json:"problem,omitempty"` // with its log, while it runs
	Ended   string `json:"ended,omitempty"`   // how it ended, or why it could not be started
	Output  string `json:"output,omitempty"`  // the end of what it wrote
	Left    int    `json:"left,omitempty"`    // processes of it that could not be ended
}

// stopWord is the line that asks a keeper to end its server. The end of the line asks for the same, in more haste.
const stopWord = "stop"

const (
	variable = "_STEELYARD_KEEPER" // of a keeper's environment: its mark
	markName = "STEELYARD_REPLICA" // of a server's environment, and so of all that it starts: its keeper's mark
	lineAt   = 3                   // the keeper's descriptor of the line
)

// pair is two ends of a new line, the second for another program.
func pair() (ours *net.UnixConn, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // a program that is started meanwhile must get neither end
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "keeper's line")
	if ours, err = lineOf(fds[0]); err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// lineOf makes a line of a descriptor, and takes that over.
func lineOf(fd int) (*net.UnixConn, error) {
	file := os.NewFile(uintptr(fd), "line")
	defer func() { _ = file.Close() }()
	c, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	u, is := c.(*net.UnixConn)
	if !is {
		_ = c.Close()
		return nil, os.NewSyscallError("getsockname", syscall.ENOTSOCK)
	}
	return u, nil
}
