// Keeping web pages of others away from the admin listener.

package admin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
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

// guard refuses requests that the web page of somebody else may have sent; programs such as curl pass. It refuses
//
//   - every request under a host name that is not ours, even one that only reads: a hostile
//     name can resolve to our address, and a browser then takes its pages for ours (DNS
//     rebinding);
//   - a request that a browser says the page of another site sent, unless it shows what is here by itself, as
//     after a click on a link: what is read here is about people, and a stream takes the place of an operator's;
//   - a request of a browser that changes something and does not carry the token of our page, which no other
//     page can read.
func (s *Server) keepPagesOut(n names, next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := n.check(r)
		if err == nil {
			err = crossOrigin.Check(r)
		}
		if err == nil {
			err = checkReading(r)
		}
		if err == nil {
			err = s.checkToken(r)
		}
		if err != nil {
			fail(w, http.StatusForbidden, "refused: "+err.Error())
			return
		}
		next.ServeHTTP(w, r)
	})
}

var (
	errOtherAddress = errors.New("a browser may change something only under the address it has reached: use that, localhost, or a name listed in admin.hosts")
	errOtherPage    = errors.New("the page of another site may read nothing here")
	errNotOurPage   = errors.New("a browser may change something only from steelyard's own page: reload it, and try again")
)

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
	if changes(r.Method) && byBrowser(r) && address.Unmap() != local.AddrPort().Addr().Unmap() {
		return errOtherAddress
	}
	return nil
}

// checkReading refuses what the page of another site asks for. Older browsers, and all under plain HTTP elsewhere
// than on this machine, say no more than Origin.
func checkReading(r *http.Request) error {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
		origin := r.Header.Get("Origin")
		if from, err := url.Parse(origin); origin != "" && (err != nil || !strings.EqualFold(from.Host, r.Host)) {
			return errOtherPage
		}
		return nil
	}
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && !changes(r.Method) {
		return nil
	}
	return errOtherPage
}

// checkToken refuses a change by a browser, unless our page made it. Logging in needs the secret itself.
func (s *Server) checkToken(r *http.Request) error {
	if !changes(r.Method) || !byBrowser(r) || r.URL.Path == sessionPath && r.Method == http.MethodPost {
		return nil
	}
	if !same(r.Header.Get(pageHeader), s.pageToken) {
		return errNotOurPage
	}
	return nil
}

// byBrowser says whether a browser sent the request: each says so when it changes something, and only they
// keep cookies of ours.
func byBrowser(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" || strings.Contains(r.Header.Get("Cookie"), "steelyard-")
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
