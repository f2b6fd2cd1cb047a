// Sockets that systemd has opened for the program.

package systemd

import (
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstDescriptor is where they begin.
const firstDescriptor = 3

// Socket is a listening socket of a socket unit.
type Socket struct {
	Descriptor int
	Name       string // FileDescriptorName= of the unit, by default the unit's name
	Address    string // where it listens: "host:port" or "unix:/path"; "" if that cannot be told
	Listens    bool   // it is a stream socket that accepts connections, and not another kind of file
}

// Sockets takes those that were passed, in the order of the units. Call it once, before anything else
// opens a descriptor.
func Sockets() (all []Socket) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, v := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(v) // they are not for programs that we start
	}
	n, err := strconv.Atoi(count)
	if err != nil || pid != strconv.Itoa(os.Getpid()) {
		return nil
	}
	name := strings.Split(names, ":")
	for i := range n {
		s := Socket{Descriptor: firstDescriptor + i}
		syscall.CloseOnExec(s.Descriptor)
		if i < len(name) {
			s.Name = name[i]
		}
		s.Address, s.Listens = addressOf(s.Descriptor), listens(s.Descriptor)
		all = append(all, s)
	}
	return all
}

func listens(fd int) bool {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil || kind != syscall.SOCK_STREAM {
		return false
	}
	accepts, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && accepts != 0
}

func addressOf(fd int) string {
	address, err := syscall.Getsockname(fd)
	if err != nil {
		return ""
	}
	switch a := address.(type) {
	case *syscall.SockaddrInet4:
		return net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *syscall.SockaddrInet6:
		return net.JoinHostPort(net.IP(a.Addr[:]).String(), strconv.Itoa(a.Port))
	case *syscall.SockaddrUnix:
		return "unix:" + a.Name
	}
	return ""
}
