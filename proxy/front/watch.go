// The descriptor of a watched connection.

package front

import "syscall"

// descriptor is the file descriptor under c, or -1. It stays valid until the
// connection is closed, which happens after watch.remove.
func (c *Conn) descriptor() int {
	fd := -1
	if s, ok := c.socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			_ = raw.Control(func(n uintptr) { fd = int(n) })
		}
	}
	return fd
}
