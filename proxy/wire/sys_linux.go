// System calls on sockets that never block.

package wire

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These system calls are raw, so that the scheduler need not be told of each: on a
// non-blocking socket they return before another goroutine could take over. They are those
// of sockets, since read and write first do what only files need.

// reportsAll says that the poller reports whatever comes after a read has left nothing behind.
const reportsAll = true

func readSocket(fd int, p []byte) (int, error) {
	return result(syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0))
}

// writeSocket raises no signal where the peer has gone.
func writeSocket(fd int, p []byte) (int, error) {
	return result(syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL, 0, 0))
}

// Peek looks at the next byte of a socket without taking it: 1 if there is one,
// 0 at the end, or an error (EAGAIN: silence).
func Peek(fd int) (int, error) {
	var b byte
	return result(syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b)), 1,
		unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0))
}

func result(n, _ uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// queuedBytes is what the socket has been given and its peer has not acknowledged.
func queuedBytes(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return n
}
