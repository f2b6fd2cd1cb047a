// Which addresses and ports of a slice can be those of a server.

package kubernetes

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// metadata are addresses at which clouds give secrets to whoever asks, besides the link-local one.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}

// usable is the address of a server, or why it is none. Whoever may write slices must not be able to have requests sent to
// the machine's own services, or to where a cloud keeps its secrets.
func usable(text, family string, loopback bool) (netip.Addr, string) {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return ip, "is no address"
	}
	is6 := ip.Is6()
	ip = ip.Unmap()
	switch {
	case ip.Zone() != "":
		return ip, "has a zone, which belongs to one machine only"
	case ip.IsUnspecified():
		return ip, "is nobody's"
	case ip.IsLinkLocalUnicast() || slices.Contains(metadata, ip):
		return ip, "is link-local, or that of a cloud's metadata"
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return ip, "is not one server's"
	case ip.IsLoopback() && !loopback:
		return ip, "is this machine's own; allow_loopback takes it all the same"
	case family == "IPv4" && is6, family == "IPv6" && ip.Is4():
		return ip, "is not one of " + family
	}
	return ip, ""
}

// port is the port of a slice that is asked for: by name, by number, or the only one; 0 and why not.
func (s *slice) port(wanted string) (int, string) {
	var names []string
	var only int
	for _, p := range s.Ports {
		if p.Port == nil || *p.Port < 1 || *p.Port > 65535 || p.Protocol != nil && *p.Protocol != "TCP" && *p.Protocol != "" {
			continue // "all ports", or not TCP
		}
		name := ""
		if p.Name != nil {
			name = *p.Name
		}
		if wanted != "" && (name == wanted || strconv.Itoa(*p.Port) == wanted) {
			return *p.Port, ""
		}
		only = *p.Port
		names = append(names, strings.TrimPrefix(name+" "+strconv.Itoa(*p.Port), " "))
	}
	switch {
	case len(names) == 1 && wanted == "":
		return only, ""
	case len(names) == 0:
		return 0, "has no TCP port"
	case wanted == "":
		return 0, fmt.Sprintf("has several ports (%s): give port, the name or number of one", strings.Join(names, ", "))
	}
	return 0, fmt.Sprintf("has no port %q: it has %s", wanted, strings.Join(names, ", "))
}
