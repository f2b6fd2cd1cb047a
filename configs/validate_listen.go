// Validation of listeners, the admin listener and trusted proxies.

package configs

import "net/netip"

// validateListeners checks the addresses for clients and for operators together, as they share the machine's ports.
func (r *report) validateListeners(c *Config) {
	if len(c.Listen) == 0 {
		r.add("listen", "list an address, or remove the key to listen on "+defaultListen, "is empty: no client could connect")
	}
	taken := map[path]address{}
	var order []path
	claim := func(p path, text string) {
		own, wrong := parseAddress(text)
		if wrong != nil {
			r.add(p, wrong.remedy, "%s", wrong.what)
			return
		}
		for _, other := range order {
			if own.clashes(taken[other]) {
				r.add(p, "give each listener a port or a socket of its own", "%s is taken by %s", quote(text), other)
				return
			}
		}
		taken[p], order = own, append(order, p)
	}
	// The default address of the operators has no line of its own, so the clash is reported at the other one's.
	adminLast := r.places.given("admin.address")
	if c.Admin.Address != "" && !adminLast {
		claim("admin.address", c.Admin.Address)
	}
	r.validateAccess("admin", c.Admin.Address, c.Admin.Mode, c.Admin.Owner, c.Admin.Group)
	for i, listen := range c.Listen {
		p := path("listen").item(i)
		claim(p.key("address"), listen.Address)
		r.validateAccess(p, listen.Address, listen.Mode, listen.Owner, listen.Group)
		if listen.TLS != nil {
			r.validatePair(p.key("tls"), listen.TLS.CertFile, listen.TLS.KeyFile)
		}
	}
	if c.Admin.Address != "" && adminLast {
		claim("admin.address", c.Admin.Address)
	}
	if c.Scaler.Address != "" && !isSocket(c.Scaler.Address) {
		claim("scaler.address", c.Scaler.Address)
	}
}

// validateAdminHosts refuses names that no request can have in Host.
func (r *report) validateAdminHosts(hosts []string) {
	for i, host := range hosts {
		p := path("admin.hosts").item(i)
		if host == "" {
			r.missing(p, "give a name that operators use, or remove the item")
			continue
		}
		r.validateRouteHost(p, host)
	}
}

func (r *report) validateTrust(networks []netip.Prefix) {
	for i, network := range networks {
		p := path("forwarded.trust").item(i)
		if network.Addr().Is4In6() {
			r.add(p, "write the IPv4 network", "is an IPv4 network written as IPv6, %s", network)
		} else if network != network.Masked() {
			r.add(p, "write "+network.Masked().String(), "has address bits behind its length, %s", network)
		}
	}
}
