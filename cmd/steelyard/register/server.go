// The server as a child process.

package register

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// server is one that runs, or has ended.
type server struct {
	pid     int
	process *os.Process
	ended   chan struct{} // closed when it has ended
	err     error         // of its end; to be read after that
}

// start starts a program with our input, output and environment, in a process group of its own: a Ctrl-C at the terminal
// is for us, who drain first. One thread starts it and stays until it ends, since the kernel ends the child of a thread
// that has gone (see attributes).
func start(command []string) (*server, error) {
	s, started := &server{ended: make(chan struct{})}, make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.SysProcAttr = attributes()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		s.pid, s.process = cmd.Process.Pid, cmd.Process
		started <- nil
		s.err = cmd.Wait()
		close(s.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return s, nil
}

// signal passes one on. A server that has ended, or that others started, gets none.
func (s *server) signal(which os.Signal) {
	if s != nil {
		_ = s.process.Signal(which)
	}
}

// exit is how it ended, as a shell tells it: 128 and more for a signal.
func (s *server) exit() *Exit {
	<-s.ended
	failed, is := errors.AsType[*exec.ExitError](s.err)
	switch {
	case s.err == nil:
		return &Exit{}
	case !is:
		return &Exit{Code: 1}
	}
	if status, is := failed.Sys().(syscall.WaitStatus); is && status.Signaled() {
		return &Exit{Code: 128 + int(status.Signal())}
	}
	return &Exit{Code: failed.ExitCode()}
}
