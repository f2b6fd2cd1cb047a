package admin

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPagesOfOtherSitesMayNotDrain(t *testing.T) {
	s := start(t, func(o *Options, _ *running) { o.Hosts = []string{"Gateway.example"} })
	host := s.url[len("http://"):]
	ours := func(headers ...string) []string { return append(headers, pageHeader, s.server.pageToken) }
	for _, c := range []struct {
		name          string
		headers       []string
		drains, reads int
	}{
		{"curl", nil, 200, 200},
		{"own page", ours("Sec-Fetch-Site", "same-origin", "Origin", s.url), 200, 200},
		{"own page, older browser", ours("Origin", s.url), 200, 200},
		{"own page, token of an earlier start", []string{"Origin", s.url, pageHeader, "old"}, 403, 200},
		{"own page without its token", []string{"Sec-Fetch-Site", "same-origin", "Origin", s.url}, 403, 200},
		{"typed by the user", []string{"Sec-Fetch-Site", "none"}, 403, 200},
		{"localhost", ours("Sec-Fetch-Site", "same-origin", "Host", "localhost:9090"), 200, 200},
		{"other site", ours("Sec-Fetch-Site", "cross-site"), 403, 403},
		{"other site, form", ours("Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"), 403, 403},
		{"other site, link", ours("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"), 403, 200},
		{"other site, frame", ours("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), 403, 403},
		{"other site, picture", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403, 403},
		{"sister site", ours("Sec-Fetch-Site", "same-site"), 403, 403},
		{"other site, older browser", ours("Origin", "http://evil.example"), 403, 403},
		{"sandboxed page", ours("Origin", "null"), 403, 403},
		{"other port", ours("Origin", "http://127.0.0.1:1"), 403, 403},
		{"rebound name", ours("Sec-Fetch-Site", "same-origin", "Host", "evil.example:9090"), 403, 403},
		{"rebound name, older browser", ours("Origin", "http://evil.example", "Host", "evil.example"), 403, 403},
		{"rebound name, no browser's fields", ours("Host", "evil.example:9090"), 403, 403},
		{"name like localhost", ours("Sec-Fetch-Site", "same-origin", "Host", "notlocalhost"), 403, 403},
		{"name that begins with an address", ours("Host", "127.0.0.1.evil.example"), 403, 403},
		{"other address", ours("Origin", "http://6.6.6.6:9090", "Host", "6.6.6.6:9090"), 403, 200},
		{"other address, curl", []string{"Host", "6.6.6.6:9090"}, 200, 200},
		{"name that is listed", []string{"Host", "GATEWAY.example.:9090"}, 200, 200},
		{"page under a name that is listed", ours("Sec-Fetch-Site", "same-origin", "Host", "gateway.example"), 200, 200},
		{"name under one that is listed", []string{"Host", "a.gateway.example"}, 403, 403},
		{"address", ours("Sec-Fetch-Site", "same-origin", "Host", host), 200, 200},
	} {
		for _, path := range []string{drainSmall, undrainSmall} {
			got := s.do("POST", path, "", c.headers...)
			assert.Equal(t, c.drains, got.StatusCode, "%s %s: %s", c.name, path, got.body)
			if c.drains == 403 {
				assert.Contains(t, got.message(t), "refused: ", c.name)
			}
		}
		for _, method := range []string{"GET", "HEAD"} {
			for _, path := range []string{"/", "/readyz", "/metrics", "/healthz", "/api/v1/upstreams", "/api/v1/snapshot", "/api/v1/events", "/api/v1/history", "/api/v1/config", "/api/v1/session", "/nowhere"} {
				got := s.do(method, path, "", c.headers...)
				assert.Equal(t, c.reads == 403, got.StatusCode == 403, "%s reads %s %s: %d", c.name, method, path, got.StatusCode)
				assert.Empty(t, got.Header.Get("Access-Control-Allow-Origin"))
				assert.Equal(t, "same-origin", got.Header.Get("Cross-Origin-Resource-Policy"))
			}
		}
	}
	assert.False(t, s.fleet.Upstreams()[0].Endpoints[0].has(Draining))
}

// TestNamesAreAskedForOnEveryAddress: a listener on the network is no safer than one on
// loopback, and one on a unix socket is out of reach for web pages.
func TestNamesAreAskedForOnEveryAddress(t *testing.T) {
	for _, c := range []struct {
		local net.Addr
		ok    bool
	}{
		{&net.TCPAddr{IP: net.ParseIP("10.1.2.3"), Port: 9090}, false},
		{&net.TCPAddr{IP: net.ParseIP("127.0.0.1"), Port: 9090}, false},
		{&net.TCPAddr{IP: net.ParseIP("::1"), Port: 9090}, false},
		{&net.UnixAddr{Name: "/run/admin.sock"}, true},
	} {
		for _, method := range []string{"POST", "GET"} {
			r := httptest.NewRequest(method, "http://gateway.example"+drainSmall, nil)
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.local))
			err := newNames(nil).check(r)
			assert.Equal(t, c.ok, err == nil, "%s %s", method, c.local)
			if !c.ok {
				assert.ErrorContains(t, err, `"gateway.example" is no name of the admin listener`)
				assert.ErrorContains(t, err, "admin.hosts")
			}
		}
	}
}
