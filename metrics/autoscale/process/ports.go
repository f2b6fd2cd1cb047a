// Which port a server gets.

package process

import (
	"net"
	"strconv"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// port is a free one for a replica: that of its slot first. 0: there is none. The caller holds mu.
func (a *Actuator) port(r *replica) int {
	s := &a.settings
	used := map[int]bool{}
	for _, other := range a.replicas {
		if other != r {
			used[other.port] = true
		}
	}
	count := s.Last - s.First + 1
	for i := range count {
		port := s.First + (r.slot+i)%count
		switch {
		case used[port]:
		case a.o.free(port):
			delete(a.taken, port)
			return port
		case !a.taken[port]:
			a.taken[port] = true
			a.tell(event.PortTaken, r, "somebody else listens there", "another port is used", map[string]any{"port": port})
		}
	}
	return 0
}

// portFree says whether a server could listen on a port, on loopback and on all addresses.
func portFree(port int) bool {
	for _, host := range []string{"127.0.0.1", ""} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}
