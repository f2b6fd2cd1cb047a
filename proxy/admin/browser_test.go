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
	for _, c := range []struct {
		name          string
		headers       []string
		drains, reads int
	}{
		{"curl", nil, 200, 200},
		{"own page", []string{"Sec-Fetch-Site", "same-origin", "Origin", s.url}, 200, 200},
		{"own page, older browser", []string{"Origin", s.url}, 200, 200},
		{"typed by the user", []string{"Sec-Fetch-Site", "none"}, 200, 200},
		{"localhost", []string{"Sec-Fetch-Site", "same-origin", "Host", "localhost:9090"}, 200, 200},
		{"other site", []string{"Sec-Fetch-Site", "cross-site"}, 403, 200},
		{"other site, form", []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"}, 403, 200},
		{"sister site", []string{"Sec-Fetch-Site", "same-site"}, 403, 200},
		{"other site, older browser", []string{"Origin", "http://evil.example"}, 403, 200},
		{"sandboxed page", []string{"Origin", "null"}, 403, 200},
		{"other port", []string{"Origin", "http://127.0.0.1:1"}, 403, 200},
		{"rebound name", []string{"Sec-Fetch-Site", "same-origin", "Host", "evil.example:9090"}, 403, 403},
		{"rebound name, older browser", []string{"Origin", "http://evil.example", "Host", "evil.example"}, 403, 403},
		{"rebound name, no browser's fields", []string{"Host", "evil.example:9090"}, 403, 403},
		{"name like localhost", []string{"Sec-Fetch-Site", "same-origin", "Host", "notlocalhost"}, 403, 403},
		{"name that begins with an address", []string{"Host", "127.0.0.1.evil.example"}, 403, 403},
		{"other address", []string{"Origin", "http://6.6.6.6:9090", "Host", "6.6.6.6:9090"}, 403, 200},
		{"other address, curl", []string{"Host", "6.6.6.6:9090"}, 200, 200},
		{"name that is listed", []string{"Host", "GATEWAY.example.:9090"}, 200, 200},
		{"page under a name that is listed", []string{"Sec-Fetch-Site", "same-origin", "Host", "gateway.example"}, 200, 200},
		{"name under one that is listed", []string{"Host", "a.gateway.example"}, 403, 403},
		{"address", []string{"Sec-Fetch-Site", "same-origin", "Host", host}, 200, 200},
	} {
		for _, path := range []string{drainSmall, undrainSmall} {
			got := s.do("POST", path, "", c.headers...)
			assert.Equal(t, c.drains, got.StatusCode, "%s %s: %s", c.name, path, got.body)
			if c.drains == 403 {
				assert.Contains(t, got.message(t), "refused: ", c.name)
			}
		}
		for _, path := range []string{"/readyz", "/metrics", "/healthz", "/api/v1/upstreams", "/nowhere"} {
			got := s.do("GET", path, "", c.headers...)
			assert.Equal(t, c.reads == 403, got.StatusCode == 403, "%s reads %s: %d", c.name, path, got.StatusCode)
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
