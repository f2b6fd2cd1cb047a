// The event loop that serves all sockets on one thread.

//go:build linux

package wire

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// longestNap bounds how late the loop notices a cancelled context.
	longestNap = 20 * time.Millisecond
	// oneRead is larger than anything a round sends in one piece, so that a message is nearly always one read.
	oneRead = 64 << 10
)

// Loop owns an epoll instance and the sockets registered with it.
type Loop struct {
	epoll   int
	sockets []socket // by file descriptor; nil where none of ours
	events  [256]unix.EpollEvent
	start   time.Time
	buffer  []byte // one for all: nothing keeps a slice of it beyond its ready call
	failure error  // first failure of the current Run; ends it
}

// socket is told that its descriptor can be read, accepted from, or was hung up.
type socket interface{ ready() }

func NewLoop() (*Loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll instance: %w", err)
	}
	return &Loop{epoll: fd, start: time.Now(), buffer: make([]byte, oneRead)}, nil
}

// Now is nanoseconds on the monotonic clock since the loop was made.
func (l *Loop) Now() int64 { return int64(time.Since(l.start)) }

// Run serves the loop's sockets for d and, with a beat, strikes it as it falls due. It ends early, with the reason,
// when ctx ends or a socket fails: a round with an error in it is no round.
func (l *Loop) Run(ctx context.Context, d time.Duration, beat *Beat) error {
	return l.run(ctx, d, beat, func() bool { return false })
}

// RunUntil serves until done, and fails with what (a clause such as "waiting for answers") after the limit.
func (l *Loop) RunUntil(ctx context.Context, limit time.Duration, what string, done func() bool) error {
	if err := l.run(ctx, limit, nil, done); err != nil || done() {
		return err
	}
	return fmt.Errorf("%s: not done after %v", what, limit)
}

func (l *Loop) run(ctx context.Context, d time.Duration, beat *Beat, done func() bool) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The default slack of 50 µs would be added to every intended start.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set timer slack: %w", err)
	}
	l.failure = nil
	now := l.Now()
	end := now + int64(d)
	beat.begin(now)
	for ; now < end && l.failure == nil && !done(); now = l.Now() {
		if err := ctx.Err(); err != nil {
			return err
		}
		nap := min(int64(longestNap), end-now)
		if next, ok := beat.strike(now, end); ok {
			nap = max(0, min(nap, next-l.Now()))
		}
		if err := l.wait(nap); err != nil {
			return err
		}
	}
	if l.failure == nil {
		beat.strike(end, end) // what fell due during the last wait
	}
	return l.failure
}

// wait blocks for at most nap nanoseconds and serves what became ready.
func (l *Loop) wait(nap int64) error {
	timeout := unix.NsecToTimespec(nap)
	// Raw, so that the scheduler does not take the processor away during a wait and make the wake-up pay for it.
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(l.epoll),
		uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), uintptr(unsafe.Pointer(&timeout)), 0, 0)
	switch {
	case errno == unix.EINTR:
		return nil
	case errno == unix.ENOSYS:
		return errors.New("wait for sockets: this kernel has no epoll_pwait2: run on Linux 5.11 or later")
	case errno != 0:
		return fmt.Errorf("wait for sockets: %w", errno)
	}
	for _, event := range l.events[:n] {
		// A socket served earlier in this batch may have closed this one.
		if s := l.sockets[event.Fd]; s != nil {
			s.ready()
		}
	}
	return nil
}

// Close closes every socket and the loop itself.
func (l *Loop) Close() {
	for fd := range l.sockets {
		l.drop(fd)
	}
	unix.Close(l.epoll)
}

func (l *Loop) fail(err error) {
	if l.failure == nil {
		l.failure = err
	}
}
