package admin

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const rightToken = "right-and-long-enough"

func guarded(o *Options, _ *running) { o.Token = func() string { return rightToken } }

// guessedAt is a server at which this address has guessed too often.
func guessedAt(o *Options, s *running) {
	guarded(o, s)
	s.begun = append(s.begun, func() {
		for range freeTries {
			require.Equal(s.t, 401, s.do("GET", "/metrics", "", "Authorization", "Bearer wrong").StatusCode)
		}
	})
}

// TestTokenIsAskedForEverywhere: on every route but those of machines that watch the process, and the page itself.
func TestTokenIsAskedForEverywhere(t *testing.T) {
	s := start(t, guarded)
	open := map[string]bool{"GET /healthz": true, "GET /readyz": true, "GET /api/v1/session": true, "POST /api/v1/session": true, "DELETE /api/v1/session": true}
	routes := s.server.routes()
	routes = append(routes, route{method: "GET", path: "/nowhere"}, route{method: "PUT", path: "/metrics"}, route{method: "HEAD", path: "/api/v1/snapshot"})
	for _, r := range routes {
		target := strings.NewReplacer("{upstream}", "chat", "{endpoint}", "small").Replace(r.path)
		for _, given := range []string{"", "Bearer wrong", "Bearer", "Basic " + rightToken, rightToken, "Bearer " + rightToken + "x", "Bearer "} {
			s.server.access.tries = newTries()
			got := s.do(r.method, target, "", "Authorization", given)
			assert.Equal(t, !open[r.method+" "+r.path], got.StatusCode == 401, "%s %s with %q: %d", r.method, r.path, given, got.StatusCode)
			if got.StatusCode == 401 {
				assert.Contains(t, got.Header.Get("WWW-Authenticate"), "Bearer")
			}
		}
	}
	assert.False(t, s.fleet.Upstreams()[0].Endpoints[0].has(Draining))
	s.server.access.tries = newTries()
	assert.Equal(t, 200, s.do("GET", "/metrics", "", "Authorization", "bearer "+rightToken).StatusCode)
	for _, path := range []string{"/metrics", "/api/v1/upstreams", "/api/v1/snapshot"} {
		assert.Equal(t, 200, s.do("GET", path, "", "Authorization", "Bearer "+rightToken).StatusCode, path)
	}
	assert.Equal(t, 200, s.do("POST", drainSmall, "", "Authorization", "Bearer "+rightToken).StatusCode)
	page := s.do("GET", "/", "")
	assert.Equal(t, 200, page.StatusCode, "the page has the login, and nothing of anybody")
	assert.NotContains(t, string(page.body), rightToken)
}

func TestBrowserLogsIn(t *testing.T) {
	s := start(t, guarded)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	s.client.Jar = jar
	origin := []string{"Origin", s.url, "Sec-Fetch-Site", "same-origin"}
	status := func() (a sessionAnswer) {
		s.do("GET", sessionPath, "").into(t, &a)
		return a
	}
	assert.Equal(t, sessionAnswer{Login: "needed"}, status(), "the token of the page is for who has logged in")
	assert.Equal(t, 401, s.do("POST", sessionPath, `{"token":"wrong"}`, origin...).StatusCode)
	got := s.do("POST", sessionPath, `{"token":" `+rightToken+`\n"}`, origin...)
	require.Equal(t, 200, got.StatusCode, "%s", got.body)
	cookie := got.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"} {
		assert.Contains(t, cookie, want)
	}
	assert.NotContains(t, cookie, "Secure", "it would be lost under plain HTTP")
	assert.NotContains(t, cookie, rightToken)
	over := s.do("POST", sessionPath, `{"token":"`+rightToken+`"}`, "Origin", "https://"+s.url[len("http://"):], "Sec-Fetch-Site", "same-origin")
	assert.Contains(t, over.Header.Get("Set-Cookie"), "Secure")

	token := status().Token
	assert.NotEmpty(t, token)
	assert.Equal(t, 200, s.do("GET", "/api/v1/upstreams", "").StatusCode)
	assert.Equal(t, 403, s.do("POST", drainSmall, "").StatusCode, "by cookie alone nothing changes")
	assert.Equal(t, 403, s.do("POST", drainSmall, "", "Cookie", "steelyard-=", pageHeader, "x").StatusCode)
	assert.Equal(t, 200, s.do("POST", drainSmall, "", append(origin, pageHeader, token)...).StatusCode)

	assert.Equal(t, 200, s.do("DELETE", sessionPath, "", append(origin, pageHeader, token)...).StatusCode)
	assert.Equal(t, 401, s.do("GET", "/api/v1/upstreams", "").StatusCode)
}

// TestSessionsEnd: with their time, and with the token.
func TestSessionsEnd(t *testing.T) {
	now, token := time.Now(), rightToken
	a := access{token: func() string { return token }, tries: newTries(), now: func() time.Time { return now }}
	r, _ := http.NewRequest("GET", "/", nil)
	r.AddCookie(newCookie(token, now, false))
	assert.True(t, a.session(token, r))
	now = now.Add(sessionLength - time.Second)
	assert.True(t, a.session(token, r))
	now = now.Add(2 * time.Second)
	assert.False(t, a.session(token, r))
	now = now.Add(-time.Hour)
	token = "another-long-enough"
	assert.False(t, a.session(token, r))
	for _, value := range []string{"", ".", "99999999999", "99999999999.", "99999999999.AAAA", "-1.x", "9e9.x"} {
		r, _ := http.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: cookieName(token), Value: value})
		assert.False(t, a.session(token, r), value)
	}
}

// TestGuessingIsSlow: after some wrong tokens even the right one must wait, and only from that address.
func TestGuessingIsSlow(t *testing.T) {
	s := start(t, guarded)
	now := time.Now()
	s.server.access.now = func() time.Time { return now }
	for i := range freeTries {
		require.Equal(t, 401, s.do("GET", "/metrics", "", "Authorization", fmt.Sprintf("Bearer wrong%d", i)).StatusCode)
	}
	got := s.do("GET", "/metrics", "", "Authorization", "Bearer "+rightToken)
	require.Equal(t, 429, got.StatusCode)
	assert.NotEmpty(t, got.Header.Get("Retry-After"))
	now = now.Add(tryEvery)
	assert.Equal(t, 200, s.do("GET", "/metrics", "", "Authorization", "Bearer "+rightToken).StatusCode)
	require.Equal(t, 401, s.do("GET", "/metrics", "", "Authorization", "Bearer wrong").StatusCode)
	assert.Equal(t, 429, s.do("GET", "/metrics", "", "Authorization", "Bearer wrong").StatusCode, "one more each ten seconds")
}

func TestTriesAreBounded(t *testing.T) {
	now, tries := time.Now(), newTries()
	guilty := netip.MustParsePrefix("10.9.9.9/32")
	for range freeTries {
		tries.failed(guilty, now)
	}
	for i := range 3 * mostTriers {
		tries.failed(netip.PrefixFrom(netip.AddrFrom4([4]byte{1, 2, byte(i >> 8), byte(i)}), 32), now)
	}
	assert.LessOrEqual(t, len(tries.byPeer), mostTriers)
	assert.Positive(t, tries.wait(guilty, now), "the guiltiest is remembered")
	for _, c := range []struct{ remote, want string }{
		{"1.2.3.4:5", "1.2.3.4/32"}, {"[::ffff:1.2.3.4]:5", "1.2.3.4/32"}, {"[2001:db8:1:2:3::4]:5", "2001:db8:1:2::/64"}, {"[fe80::1%eth0]:5", "fe80::/64"}, {"@", "invalid Prefix"},
	} {
		assert.Equal(t, c.want, clientOf(&http.Request{RemoteAddr: c.remote}).String(), c.remote)
	}
}
