// Errors that come from a shortage of our own.

package shortage

import (
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
)

// ours are the kernel's errors that concern only this process or this machine.
var ours = []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}

// Is says whether err comes from a shortage in this process or machine.
func Is(err error) bool {
	if err == nil {
		return false
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok { // it keeps the text of its cause alone
		return slices.ContainsFunc(ours, func(e syscall.Errno) bool { return strings.Contains(dns.Err, e.Error()) })
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && (slices.Contains(ours, errno) || errno == syscall.EADDRNOTAVAIL && outOfPorts(err))
}

// outOfPorts tells the two meanings of "cannot assign requested address" apart: no port is
// left for another connection to that address, or this machine has no address from which to
// reach it, as without IPv6. It tries UDP, whose ports are not those of TCP, and where
// connecting sends nothing.
func outOfPorts(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Addr == nil || !strings.HasPrefix(op.Net, "tcp") {
		return false
	}
	c, err := net.Dial("udp"+strings.TrimPrefix(op.Net, "tcp"), op.Addr.String())
	if err == nil {
		_ = c.Close()
	}
	return !errors.Is(err, syscall.EADDRNOTAVAIL)
}
