// Opening, reading and writing raw sockets.

//go:build linux

package wire

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/sys/unix"
)

// watch registers a non-blocking descriptor, level-triggered: whatever one ready call leaves is reported again.
func (l *Loop) watch(fd int, s socket) error {
	for fd >= len(l.sockets) {
		l.sockets = append(l.sockets, nil)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("watch socket: %w", err)
	}
	l.sockets[fd] = s
	return nil
}

// drop closes a watched descriptor; one that is not watched (any more) is left alone.
func (l *Loop) drop(fd int) {
	if fd < len(l.sockets) && l.sockets[fd] != nil {
		l.sockets[fd] = nil
		unix.Close(fd)
	}
}

// dial connects and watches; s is called from then on. The connect itself blocks, which on loopback is until the
// kernel has put the connection into the listener's queue.
func (l *Loop) dial(addr netip.AddrPort, s socket) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open socket: %w", err)
	}
	err = errors.Join(
		// A full listen queue would otherwise hold the loop for minutes.
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 3}),
		// Reset on close: ten thousand connections in TIME_WAIT would take the ports of the next round.
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
	)
	if err == nil {
		err = connect(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err == nil {
		err = l.watch(fd, s)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connect to %v: %w", addr, err)
	}
	return fd, nil
}

// connect goes on waiting when one of the runtime's signals interrupts it; the attempt itself is not affected.
func connect(fd int, addr unix.Sockaddr) error {
	for {
		switch err := unix.Connect(fd, addr); err {
		case unix.EINTR:
		case unix.EISCONN: // it came about between the signal and the next call
			return nil
		default:
			return err
		}
	}
}

// read returns what has arrived, valid until the next read of the loop. Nothing and no error: a false alarm.
func (l *Loop) read(fd int) ([]byte, error) {
	n, err := unix.Read(fd, l.buffer)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil, nil
	case err != nil:
		return nil, err
	case n == 0:
		return nil, io.EOF
	}
	return l.buffer[:n], nil
}

// write sends the whole of p. Messages are far smaller than a socket's buffer, so one that does not fit means a
// peer that stopped reading, and the round is void.
func write(fd int, p []byte) error {
	n, err := unix.Write(fd, p)
	if err == nil && n < len(p) {
		err = fmt.Errorf("only %d of %d bytes fit", n, len(p))
	}
	return err
}
