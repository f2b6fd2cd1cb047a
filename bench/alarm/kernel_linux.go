// The kernel's own timer, exact to the microsecond.

package alarm

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// kernelTimer is a timerfd, which rings to the microsecond. It is read through
// the runtime's poller, so that whoever waits for it holds no thread.
type kernelTimer struct {
	fd     int // of file, for as long as that is open
	file   *os.File
	buffer [8]byte // wait's
}

func newKernelTimer() (timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create timer: %w", err)
	}
	return &kernelTimer{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}, nil
}

func (t *kernelTimer) set(wait time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(wait)))} // 0 would disarm it
	if err := unix.TimerfdSettime(t.fd, 0, &spec, nil); err != nil {
		panic("BUG: set timer: " + err.Error()) // the descriptor is ours and the time is positive
	}
}

func (t *kernelTimer) wait() bool {
	_, err := t.file.Read(t.buffer[:])
	return err == nil
}

func (t *kernelTimer) close() { t.file.Close() }
