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
	s := start(t)
	host := s.url[len("http://"):]
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"curl", nil, 200},
		{"own page", []string{"Sec-Fetch-Site", "same-origin", "Origin", s.url}, 200},
		{"own page, older browser", []string{"Origin", s.url}, 200},
		{"typed by the user", []string{"Sec-Fetch-Site", "none"}, 200},
		{"localhost", []string{"Sec-Fetch-Site", "same-origin", "Host", "localhost:9090"}, 200},
		{"other site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"other site, form", []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"}, 403},
		{"sister site", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"other site, older browser", []string{"Origin", "http://evil.example"}, 403},
		{"sandboxed page", []string{"Origin", "null"}, 403},
		{"other port", []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"rebound name", []string{"Sec-Fetch-Site", "same-origin", "Host", "evil.example:9090"}, 403},
		{"rebound name, older browser", []string{"Origin", "http://evil.example", "Host", "evil.example"}, 403},
		{"name like localhost", []string{"Sec-Fetch-Site", "same-origin", "Host", "notlocalhost"}, 403},
		{"curl by another name", []string{"Host", "gateway.example"}, 200},
		{"address", []string{"Sec-Fetch-Site", "same-origin", "Host", host}, 200},
	} {
		for _, path := range []string{drainSmall, undrainSmall} {
			got := s.do("POST", path, "", c.headers...)
			assert.Equal(t, c.status, got.StatusCode, "%s %s: %s", c.name, path, got.body)
			if c.status == 403 {
				assert.Contains(t, got.message(t), "refused: ", c.name)
			}
		}
		assert.Equal(t, 200, s.do("GET", "/readyz", "", c.headers...).StatusCode, "%s reads", c.name)
	}
	assert.False(t, s.fleet.Upstreams()[0].Endpoints[0].has(Draining))
}

// TestNamesAreFreeBeyondLoopback: a listener on the network is reached by
// whatever name its operator gave it.
func TestNamesAreFreeBeyondLoopback(t *testing.T) {
	for _, c := range []struct {
		local string
		want  error
	}{{"10.1.2.3", nil}, {"127.0.0.1", errRebound}, {"::1", errRebound}} {
		r := httptest.NewRequest("POST", "http://gateway.example"+drainSmall, nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		local := &net.TCPAddr{IP: net.ParseIP(c.local), Port: 9090}
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		assert.Equal(t, c.want, rebound(r), c.local)
	}
}
