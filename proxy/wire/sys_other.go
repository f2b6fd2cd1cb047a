// System calls on sockets, for systems other than Linux.

//go:build !linux

package wire

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// reportsAll is not known to hold here.
const reportsAll = false

func readSocket(fd int, p []byte) (int, error)  { return syscall.Read(fd, p) }
func writeSocket(fd int, p []byte) (int, error) { return syscall.Write(fd, p) }

// Peek looks at the next byte of a socket without taking it: 1 if there is one,
// 0 at the end, or an error (EAGAIN: silence).
func Peek(fd int) (int, error) {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n, err
}

// queuedBytes is not known: what a socket has taken counts as taken by its peer.
func queuedBytes(int) int { return 0 }
