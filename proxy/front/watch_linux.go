// Noticing by epoll that clients leave.

package front

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// watch tells connections that their client has left. Each connection is
// registered once, edge-triggered, for the events of a departure only, so that
// traffic never wakes the watch. It waits for the epoll instance through the
// runtime's poller: no thread blocks.
type watch struct {
	events uint32
	file   *os.File // the epoll instance
	raw    syscall.RawConn
	ep     int

	mu    sync.Mutex
	conns map[int32]*Conn // by registration; written by add and remove
	last  int32           // registration
}

func newWatch(halfCloseLeaves bool) (*watch, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(ep, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	w := &watch{events: unix.EPOLLET, file: os.NewFile(uintptr(ep), "watch"), ep: ep, conns: map[int32]*Conn{}}
	if halfCloseLeaves {
		w.events |= unix.EPOLLRDHUP
	}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		return nil, fmt.Errorf("poll the watch: %w", err)
	}
	return w, nil
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
	w.last++
	// An event may be read after its descriptor has become another connection's,
	// so events carry a number of our own instead.
	event := unix.EpollEvent{Events: w.events, Fd: w.last}
	if unix.EpollCtl(w.ep, unix.EPOLL_CTL_ADD, fd, &event) == nil {
		w.conns[w.last] = c
		c.fd, c.watched = fd, w.last
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
	delete(w.conns, c.watched)
	_ = unix.EpollCtl(w.ep, unix.EPOLL_CTL_DEL, c.fd, nil)
	c.fd = -1
}

func (w *watch) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = w.file.Close() })
	defer stop()
	var events [128]unix.EpollEvent
	for {
		n := 0
		err := w.raw.Read(func(ep uintptr) bool {
			n, _ = unix.EpollWait(int(ep), events[:], 0)
			return n > 0
		})
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watch clients: %w", err)
		}
		for i := range events[:n] {
			if c := w.lookup(events[i].Fd); c != nil {
				c.left()
			}
		}
	}
}

func (w *watch) lookup(registration int32) *Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns[registration]
}
