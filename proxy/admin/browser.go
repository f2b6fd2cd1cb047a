// Keeping web pages away from the admin listener.

package admin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// names are the host names of the listener, besides IP addresses and localhost.
type names map[string]bool

func newNames(hosts []string) names {
	n := names{}
	for _, host := range hosts {
		n[plainHost(host)] = true
	}
	return n
}

// guard refuses requests that a web page may have sent; programs such as curl pass. It refuses
//
//   - every request under a host name that is not ours, even one that only reads: a hostile
//     name can resolve to our address, and a browser then takes its pages for ours (DNS
//     rebinding);
//   - a request that changes something, if the browser says that a page of another site sent
//     it, or if such a page may be disguised as ours.
func (n names) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := n.check(r)
		if err == nil {
			err = crossOrigin.Check(r)
		}
		if err != nil {
			fail(w, http.StatusForbidden, "refused: "+err.Error())
			return
		}
		next.ServeHTTP(w, r)
	})
}

var errOtherAddress = errors.New("a browser may change something only under the address it has reached: use that, localhost, or a name listed in admin.hosts")

// check refuses a host name that is not ours. A unix socket is out of reach for web pages, and
// no browser sends HTTP/1.0 without a host.
func (n names) check(r *http.Request) error {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	host := plainHost(r.Host)
	if !ok || host == "" || n[host] || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return nil
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return fmt.Errorf("%q is no name of the admin listener: use its address or localhost, or list the name in admin.hosts", host)
	}
	browser := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
	if changes(r.Method) && browser && address.Unmap() != local.AddrPort().Addr().Unmap() {
		return errOtherAddress
	}
	return nil
}

func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// plainHost is a host in lower case, without port, brackets and a final dot.
func plainHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
