// The upstream: its listeners, and the streams it keeps going.

//go:build linux

package wire

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Upstream answers every request on its listeners at once, with a constant. Set the fields between two Runs.
type Upstream struct {
	// Streaming makes an answer a head and one chunk, then silence until Chunk is called for it.
	Streaming bool
	// Proxied makes the upstream insist on X-Forwarded-For: a proxy that does less work is not comparable.
	Proxied bool

	Requests int // answered since the start
	Chunks   int // written since the start, the first of each stream included

	loop    *Loop
	addrs   []netip.AddrPort
	streams []*served // being streamed to, in the order they began
	turn    int       // index of the stream whose chunk is next
	chunk   []byte
}

// Serve opens n listeners on free ports of 127.0.0.1.
func (l *Loop) Serve(n int) (*Upstream, error) {
	u := &Upstream{loop: l, chunk: []byte(chunk)}
	for range n {
		addr, err := u.listen()
		if err != nil {
			return nil, fmt.Errorf("listen for the upstream: %w", err)
		}
		u.addrs = append(u.addrs, addr)
	}
	return u, nil
}

// Addrs are the listeners' addresses.
func (u *Upstream) Addrs() []netip.AddrPort { return u.addrs }

// Open is how many streams have not ended.
func (u *Upstream) Open() int { return len(u.streams) }

// Chunk writes a chunk, stamped with the present time, to the stream whose turn it is. Called at even intervals of
// d over n streams, each stream gets one every n·d, and never two streams at once.
func (u *Upstream) Chunk(int64) {
	if len(u.streams) == 0 {
		return
	}
	u.turn %= len(u.streams)
	s := u.streams[u.turn]
	u.turn++
	u.send(s.fd)
}

// HangUp ends what is still streaming, as a crash would.
func (u *Upstream) HangUp() {
	for len(u.streams) > 0 {
		u.leave(u.streams[len(u.streams)-1])
	}
}

func (u *Upstream) send(fd int) {
	putStamp(u.chunk[stampAt:], u.loop.Now())
	if err := write(fd, u.chunk); err != nil {
		u.loop.fail(fmt.Errorf("write chunk to the proxy: %w", err))
	}
	u.Chunks++
}

func (u *Upstream) listen() (netip.AddrPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr, err := bind(fd)
	if err == nil {
		err = u.loop.watch(fd, &listener{u, fd})
	}
	if err != nil {
		unix.Close(fd)
	}
	return addr, err
}

func bind(fd int) (netip.AddrPort, error) {
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return netip.AddrPort{}, err
	}
	if err := unix.Listen(fd, 4096); err != nil {
		return netip.AddrPort{}, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	v4 := name.(*unix.SockaddrInet4) // what an AF_INET socket has
	return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), uint16(v4.Port)), nil
}

type listener struct {
	up *Upstream
	fd int
}

func (s *listener) ready() {
	for {
		fd, _, err := unix.Accept4(s.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			if err != unix.EAGAIN && err != unix.EINTR && err != unix.ECONNABORTED {
				s.up.loop.fail(fmt.Errorf("accept from the proxy: %w", err))
			}
			return
		}
		// A proxy's choice of Nagle is its own; ours must not add to the delay of a chunk.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			s.up.loop.fail(fmt.Errorf("set no delay: %w", err))
		}
		if err := s.up.loop.watch(fd, &served{up: s.up, fd: fd}); err != nil {
			s.up.loop.fail(err)
		}
	}
}
