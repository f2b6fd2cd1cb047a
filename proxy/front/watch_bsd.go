// Noticing by kqueue that clients leave.

//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package front

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// watch tells connections that their client has left. kqueue reports the end of a
// stream as a flag on the read filter, so here, unlike with epoll, arriving data
// wakes the watch too.
type watch struct {
	kq         int
	halfLeaves bool

	mu    sync.Mutex
	conns map[int]*Conn // by descriptor; written by add and remove
}

func newWatch(halfCloseLeaves bool) (*watch, error) {
	kq, err := unix.Kqueue()
	if err != nil {
		return nil, os.NewSyscallError("kqueue", err)
	}
	return &watch{kq: kq, halfLeaves: halfCloseLeaves, conns: map[int]*Conn{}}, nil
}

func (w *watch) change(fd, flags int) error {
	var e [1]unix.Kevent_t
	unix.SetKevent(&e[0], fd, unix.EVFILT_READ, flags)
	_, err := unix.Kevent(w.kq, e[:], nil, nil)
	return err
}

// add starts watching c. A connection that cannot be watched is served all the
// same: its departure is then noticed at the next read or write.
func (w *watch) add(c *Conn) {
	fd := c.descriptor()
	if fd < 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.change(fd, unix.EV_ADD|unix.EV_CLEAR) == nil {
		w.conns[fd] = c
		c.fd = fd
	}
}

// remove stops watching c. It must come before the descriptor is closed, since
// the number may be another connection's a moment later.
func (w *watch) remove(c *Conn) {
	if c.fd < 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c.fd)
	_ = w.change(c.fd, unix.EV_DELETE)
	c.fd = -1
}

func (w *watch) run(ctx context.Context) error {
	defer func() { _ = unix.Close(w.kq) }()
	var events [128]unix.Kevent_t
	pause := unix.NsecToTimespec(int64(time.Second / 4)) // how late the end of ctx may be seen
	for ctx.Err() == nil {
		n, err := unix.Kevent(w.kq, nil, events[:], &pause)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("watch clients: %w", err)
		}
		for i := range events[:max(n, 0)] {
			e := &events[i]
			if e.Flags&unix.EV_EOF == 0 || !w.halfLeaves && e.Fflags == 0 {
				continue // data, or a half-close (an error stands in Fflags)
			}
			if c := w.lookup(int(e.Ident)); c != nil {
				c.left()
			}
		}
	}
	return nil
}

func (w *watch) lookup(fd int) *Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns[fd]
}
