// Where load may be sent: to loopback addresses only.

package load

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
)

// parseTarget returns the HOST:PORT of a base URL. It refuses an address outside
// the loopback networks: a load generator pointed at a stranger's server is an
// attack.
func parseTarget(base string) (host string, err error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("load: target: %w", err)
	}
	if u.Scheme != "http" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return "", fmt.Errorf("load: target %q: give it as http://HOST:PORT", base)
	}
	return u.Host, mustBeLoopback(u.Hostname())
}

func mustBeLoopback(host string) error {
	if host == "localhost" {
		return nil
	}
	if address, err := netip.ParseAddr(host); err == nil && address.Unmap().IsLoopback() {
		return nil
	}
	return fmt.Errorf("load: target %q is not a loopback address: load is only sent to 127.0.0.0/8, [::1] or localhost", host)
}

// loopback dials. The address a name led to is checked again at each dial:
// localhost is only a name.
var loopback = &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	return mustBeLoopback(host)
}}
