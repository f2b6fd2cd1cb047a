package transport

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peek looks at the next byte of a socket without taking it: 1 if there is one,
// 0 at the end, or an error (EAGAIN: silence). unix.Recvfrom does the same with
// an allocation for the sender's address.
func peek(fd int) (int, error) {
	var b byte
	n, _, errno := syscall.Syscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1,
		unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// hungUp says whether the peer has closed its side of the socket.
func hungUp(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(p, 0)
	return err != nil || n > 0
}
