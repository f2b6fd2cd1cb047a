//go:build !linux

package transport

import "golang.org/x/sys/unix"

// peek looks at the next byte of a socket without taking it: 1 if there is one,
// 0 at the end, or an error (EAGAIN: silence).
func peek(fd int) (int, error) {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n, err
}

// hungUp: other systems cannot tell a close behind unread bytes. A request on
// such a connection fails without an answer and is sent again on a fresh one.
func hungUp(int) bool { return false }
