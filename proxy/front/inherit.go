// Listening sockets that another process has opened for us, and ours for another.

package front

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Given is a listening socket from another process.
type Given struct {
	Descriptor int    // Inherit takes it over
	Address    string // "host:port" or "unix:/path.sock"
	Access     Access // that its file shall have
	Foreign    bool   // its file belongs to somebody else, such as systemd: it is neither changed nor removed
}

// Inherit makes a listener of a socket that another process has opened.
func Inherit(g Given) (net.Listener, error) {
	file := os.NewFile(uintptr(g.Descriptor), g.Address)
	if file == nil {
		return nil, errors.New("the descriptor is not open")
	}
	defer func() { _ = file.Close() }() // the listener has a copy
	if listens, err := unix.GetsockoptInt(g.Descriptor, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return nil, errors.New("the descriptor is no listening socket (of a systemd socket unit: it must not say Accept=yes)")
	}
	ln, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("take over a socket: %w", err)
	}
	switch l := ln.(type) {
	case *net.TCPListener:
		return inherited{l}, nil
	case *net.UnixListener:
		s := &socket{UnixListener: l, path: l.Addr().String(), foreign: g.Foreign}
		s.shared.Store(true)
		if g.Foreign {
			return s, nil
		}
		if s.file, err = os.Lstat(s.path); err == nil { // else it was removed, and clients find it no more
			err = g.Access.give(s.path)
		} else if errors.Is(err, os.ErrNotExist) {
			err = errors.New("the file of the socket is gone: clients cannot find it; restart to make it anew")
		}
		if err != nil {
			_ = s.Close()
			return nil, err
		}
		return s, nil
	}
	_ = ln.Close()
	return nil, fmt.Errorf("a socket of the kind %s is none that clients connect to", ln.Addr().Network())
}

// inherited is a TCP listener that another process has opened: Go does not know which keep-alive it has.
type inherited struct{ *net.TCPListener }

// Accept sets what Listen lets the system set.
func (l inherited) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	_ = c.SetKeepAliveConfig(keepAlive) // of a connection that is gone already it fails
	return c, nil
}

// Descriptor returns a copy of a listener's descriptor, to give to another process. It is
// closed on exec, and the caller closes it.
func Descriptor(ln net.Listener) (fd int, err error) {
	c, ok := ln.(syscall.Conn)
	if !ok {
		return -1, fmt.Errorf("a listener of type %T has no descriptor", ln)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlErr := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(controlErr, err)
}

// KeepFile lets a unix socket's file be when the listener is closed: another process listens
// there now.
func KeepFile(ln net.Listener) {
	if s, ok := ln.(*socket); ok {
		s.remove.Do(func() {})
	}
}

// OwnFile says that a unix socket's file is ours now: Close removes it, unless it is foreign.
func OwnFile(ln net.Listener) {
	if s, ok := ln.(*socket); ok {
		s.shared.Store(false)
	}
}

// CloseDescriptor closes one that nobody needs.
func CloseDescriptor(fd int) { _ = unix.Close(fd) }

// Foreign says whether a listener's file belongs to somebody else.
func Foreign(ln net.Listener) bool {
	s, ok := ln.(*socket)
	return ok && s.foreign
}
