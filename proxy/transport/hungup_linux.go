package transport

import "golang.org/x/sys/unix"

// hungUp says whether the peer has closed its side of the socket.
func hungUp(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(p, 0)
	return err != nil || n > 0
}
