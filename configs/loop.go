// Endpoints that would lead back to this gateway.

package configs

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// validateLoops reports endpoints that are listeners of this gateway: each request would come back and go out again until
// its head is too large. Names are not looked up, since they may mean something else on the machine that checks the file.
func (r *report) validateLoops(c *Config) {
	type listener struct {
		at   path
		text string
		address
	}
	var listeners []listener
	add := func(at path, text string) {
		if parsed, wrong := parseAddress(text); wrong == nil && parsed.port != 0 {
			listeners = append(listeners, listener{at, text, parsed})
		}
	}
	for i, l := range c.Listen {
		add(path("listen").item(i).key("address"), l.Address)
	}
	if c.Admin.Address != "" {
		add("admin.address", c.Admin.Address)
	}
	for i, u := range c.Upstreams {
		for j, e := range u.Endpoints {
			for _, l := range listeners {
				if host, port, ok := hostPort(e.URL); ok && port == l.port && r.reaches(host, l.host) {
					r.add(path("upstreams").item(i).key("endpoints").item(j).key("url"),
						"give the address of the inference server, or give the gateway another port",
						"leads back to this gateway: %s listens on %s", l.at, quote(l.text))
					break
				}
			}
		}
	}
}

func hostPort(url string) (host string, port int, ok bool) {
	parsed, wrong := parseURL(url)
	if wrong != nil {
		return "", 0, false
	}
	host, digits, err := net.SplitHostPort(parsed.Host)
	if err != nil {
		return "", 0, false
	}
	port, err = strconv.Atoi(digits)
	return strings.TrimSuffix(host, "."), port, err == nil
}

// reaches says whether a connection to host arrives at a listener that has the same port. Both are as [canonicalHost]
// returns them: "" is every address of the machine for a listener, and the machine itself for a connection.
func (r *report) reaches(host, listener string) bool {
	host = canonicalHost(host)
	ip, err := netip.ParseAddr(host)
	switch {
	case host == listener:
		return true
	case host == "":
		return listener == "127.0.0.1" || listener == "::1"
	case listener != "" || err != nil:
		return false
	}
	return ip.IsLoopback() || r.own(ip)
}

// own says whether an address is one of this machine's.
func (r *report) own(ip netip.Addr) bool {
	addresses, err := r.interfaces()
	if err != nil {
		return false // then it is found at run time, by the Via field
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok {
			if mine, ok := netip.AddrFromSlice(network.IP); ok && mine.Unmap() == ip {
				return true
			}
		}
	}
	return false
}
