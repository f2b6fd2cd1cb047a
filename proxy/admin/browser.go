package admin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// names are those that the listener is reached by, besides addresses and localhost.
type names map[string]bool

func newNames(hosts []string) names {
	n := names{}
	for _, host := range hosts {
		n[plainHost(host)] = true
	}
	return n
}

// guard refuses what web pages may be behind; programs such as curl pass.
//
// Everything under a name that is not ours, reading too: a hostile name can be made to
// resolve to our address, and then its pages count as of our own origin (DNS rebinding).
//
// What changes something, where a browser says that the page of another site sent it, or
// where that page may have disguised itself as ours.
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

// check looks at the host that a request over TCP names. A unix socket is out of reach for
// web pages, and HTTP/1.0 without a host is no browser's.
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

// plainHost is a host in lower case without port, brackets and a last dot.
func plainHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
