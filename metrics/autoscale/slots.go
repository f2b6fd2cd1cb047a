// Servers of one machine: each has a slot, and by it a name, a port and a GPU.

package autoscale

import (
	"net"
	"strconv"
	"strings"
)

// NameOf is what the server in a slot is called.
func NameOf(upstream string, slot int) string { return upstream + "-" + strconv.Itoa(slot) }

// GPUOf is the one for a slot; "": none.
func GPUOf(gpus []string, slot int) string {
	if slot >= len(gpus) {
		return ""
	}
	return gpus[slot]
}

// Words are what {port}, {name}, {slot}, {gpu} and {upstream} stand for.
func Words(upstream string, slot, port int, gpu string) *strings.Replacer {
	return strings.NewReplacer(
		"{port}", strconv.Itoa(port), "{name}", NameOf(upstream, slot), "{slot}", strconv.Itoa(slot), "{gpu}", gpu, "{upstream}", upstream)
}

// Ports are those from First to Last. It is for one goroutine at a time.
type Ports struct {
	Free  func(port int) bool // nil: asks the system
	taken map[int]bool        // strangers have them, as was told
}

// Choose is a free port for a slot, its own first; 0: there is none. taken hears once of each that a stranger has.
func (p *Ports) Choose(first, last, slot int, used map[int]bool, taken func(port int)) int {
	free := p.Free
	if free == nil {
		free = PortFree
	}
	if p.taken == nil {
		p.taken = map[int]bool{}
	}
	count := last - first + 1
	for i := range count {
		port := first + (slot+i)%count
		switch {
		case used[port]:
		case free(port):
			delete(p.taken, port)
			return port
		case !p.taken[port]:
			p.taken[port] = true
			taken(port)
		}
	}
	return 0
}

// PortFree says whether a server could listen on a port, on loopback and on all addresses.
func PortFree(port int) bool {
	for _, host := range []string{"127.0.0.1", ""} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}
