// Validation of routes.

package configs

import (
	"net/netip"
	"strings"
)

func (r *report) validateRoutes(c *Config) {
	if len(c.Routes) == 0 {
		r.add("routes", "list one, or remove the key to send everything to the first upstream", "is empty: nothing would be served")
	}
	names := make([]string, len(c.Upstreams))
	for i := range c.Upstreams {
		names[i] = c.Upstreams[i].Name
	}
	met := map[Route]path{}
	for i, route := range c.Routes {
		p := path("routes").item(i)
		r.validateRoutePath(p.key("path"), route.Path)
		r.validateRouteHost(p.key("host"), route.Host)
		between(r, p.key("priority"), route.Priority, 0, 9, "give 0 to what may be turned away first, 9 to what matters most")
		if len(names) > 0 { // without any upstream, that is the problem to report, not each route
			r.validateReference(p.key("upstream"), route.Upstream, names)
		}
		match := Route{Path: route.Path, Host: route.Host} // whatever else they ask for
		if first, again := met[match]; again {
			r.add(p, "remove one of the two", "matches the same requests as %s", first)
			continue
		}
		met[match] = p
	}
}

func (r *report) validateReference(p path, name string, known []string) {
	for _, other := range known {
		if other == name {
			return
		}
	}
	r.add(p, Suggest(name, known), "there is no upstream %s", quote(name))
}

// validateRoutePath refuses prefixes that no request can have, as the gate refuses such requests.
func (r *report) validateRoutePath(p path, prefix string) {
	switch {
	case !strings.HasPrefix(prefix, "/"):
		r.add(p, `begin it with "/"`, "is not a path: %s", quote(prefix))
	case strings.ContainsAny(prefix, "?#"):
		r.add(p, "keep the part before it: queries and fragments are not matched", `has a "?" or "#": %s`, quote(prefix))
	case strings.ContainsFunc(prefix, notInTarget):
		r.add(p, "write odd characters as %XX", "has a character that cannot stand in a request: %s", quote(prefix))
	case hasDotSegment(prefix):
		r.add(p, `write the path without "." and ".."`, "has a dot segment: %s", quote(prefix))
	}
}

// hasDotSegment also finds percent-encoded ones, as the servers behind the gateway decode them.
func hasDotSegment(prefix string) bool {
	for _, segment := range strings.Split(strings.ReplaceAll(strings.ToLower(prefix), "%2e", "."), "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

func (r *report) validateRouteHost(p path, host string) {
	inner, bracketed := strings.CutPrefix(host, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	ip, err := netip.ParseAddr(inner)
	isIPv6 := err == nil && ip.Is6()
	if host == "" || bracketed == closed && bracketed == isIPv6 && validHost(inner) {
		return
	}
	r.add(p, "write a name as in the Host field, without scheme, port or *", "is not a host: %s", quote(host))
}
