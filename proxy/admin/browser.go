package admin

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// sameSite refuses what changes something when a browser says that the page of
// another site sent it, or when that page may have disguised itself as ours.
// Programs such as curl, which send neither Origin nor Sec-Fetch-Site, pass.
func sameSite(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := guard.Check(r)
		if err == nil {
			err = rebound(r)
		}
		if err != nil {
			fail(w, http.StatusForbidden, "refused: "+err.Error())
			return
		}
		next.ServeHTTP(w, r)
	})
}

var errRebound = errors.New("the admin listener is on a loopback address, and a browser came by another name: use localhost or the address itself")

// rebound reports a browser's request that changes something, came over
// loopback and yet names a host that is neither localhost nor an address. A
// hostile name can be made to resolve to 127.0.0.1, and then its pages count
// as of our own origin (DNS rebinding).
func rebound(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
		return nil
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return nil
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return nil
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return nil
	}
	return errRebound
}
