// Which address of the configuration each socket of systemd is for.

package main

import (
	"fmt"
	"net"
	"slices"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/systemd"
	"github.com/steelyard-proxy/steelyard/configs"
)

// adminSocket is the FileDescriptorName= of the socket of the admin listener.
const adminSocket = "admin"

// assign gives each socket an address of the configuration: the one that it listens on, or, by its name, that of
// the admin listener, or else the next of listen that has none yet. Addresses without a socket are opened as usual.
func assign(cfg *configs.Config, sockets []systemd.Socket) (all []app.Given, err error) {
	var free []string
	for _, l := range cfg.Listen {
		free = append(free, l.Address)
	}
	admin := cfg.Admin.Address
	take := func(s systemd.Socket, address string) {
		all = append(all, app.Given{Address: address, Descriptor: s.Descriptor, Foreign: true})
	}
	var rest []systemd.Socket
	for _, s := range sockets {
		if !s.Listens {
			return nil, fmt.Errorf("systemd has passed descriptor %d (%q), which is no socket that accepts connections: "+
				"its unit must say ListenStream= and Accept=no", s.Descriptor, s.Name)
		}
		i := slices.IndexFunc(free, func(address string) bool { return sameAddress(address, s.Address) })
		switch {
		case i >= 0:
			take(s, free[i])
			free = slices.Delete(free, i, i+1)
		case admin != "" && (s.Name == adminSocket || sameAddress(admin, s.Address)):
			take(s, admin)
			admin = ""
		default:
			rest = append(rest, s)
		}
	}
	for _, s := range rest {
		if len(free) == 0 {
			return nil, fmt.Errorf("systemd has passed the socket %q (%s), and no address of the configuration is left for it: "+
				"add one to listen, or take the socket out of the unit", s.Name, s.Address)
		}
		take(s, free[0])
		free = free[1:]
	}
	return all, nil
}

// sameAddress says whether two addresses are one, however "all addresses" is written.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil {
		return a == b
	}
	every := func(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
	return portA == portB && (hostA == hostB || every(hostA) && every(hostB))
}
