package proxy_test

import (
	"bufio"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forwarded is what an endpoint gets of these field lines, from a client that is
// believed or not.
func forwarded(t *testing.T, trusted bool, lines ...string) http.Header {
	t.Helper()
	s := defaults()
	if trusted {
		s.generation.Trust = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	got := make(chan http.Header, 1)
	g := serve(t, s, endpoint(t, func(c net.Conn, br *bufio.Reader) {
		if r, err := http.ReadRequest(br); err == nil {
			got <- r.Header
			_, _ = c.Write([]byte(plain("")))
		}
	}))
	dial(t, g).ask("GET / HTTP/1.1\r\nHost: x.test\r\n" + strings.Join(append(lines, "\r\n"), "\r\n"))
	return <-got
}

// claims are what a proxy in front may say of whom it serves.
var claims = []string{
	"X-Forwarded-Prefix", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-Scheme", "X-Forwarded-User",
	"X-Forwarded-Email", "X-Forwarded-Client-Cert", "X-Forwarded-By", "X-Forwarded", "Forwarded", "X-Real-Ip", "X-Client-Ip",
	"X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Original-Forwarded-For", "X-Original-Host",
	"X_real_ip", "X_forwarded_user",
}

func TestClaimsOfAnOutsiderGoNoFurther(t *testing.T) {
	lines := []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test", "X-Mine: 1"}
	for _, name := range claims {
		lines = append(lines, name+": 6.6.6.6")
	}
	got := forwarded(t, false, lines...)
	for _, name := range claims {
		require.Empty(t, got.Values(name), name)
	}
	require.Equal(t, []string{"127.0.0.1"}, got.Values("X-Forwarded-For"))
	require.Equal(t, []string{"http"}, got.Values("X-Forwarded-Proto"))
	require.Equal(t, []string{"x.test"}, got.Values("X-Forwarded-Host"))
	require.Equal(t, []string{"1"}, got.Values("X-Mine"))

	got = forwarded(t, true, lines...)
	for _, name := range claims {
		require.Equal(t, []string{"6.6.6.6"}, got.Values(name), name)
	}
}

func TestEmptyForwardedFieldsAreAsIfAbsent(t *testing.T) {
	for _, c := range []struct {
		lines []string
		chain string
	}{
		{[]string{"X-Forwarded-For:", "X-Forwarded-Proto:", "X-Forwarded-Host:", "Forwarded:", "X-Real-IP:"}, "127.0.0.1"},
		{[]string{"X-Forwarded-For: ,", "X-Forwarded-For:", "X-Forwarded-Proto: \t"}, "127.0.0.1"},
		{[]string{"X-Forwarded-For:", "X-Forwarded-For: 10.0.0.1,", "X-Forwarded-For: , 10.0.0.2"}, "10.0.0.1, 10.0.0.2, 127.0.0.1"},
	} {
		got := forwarded(t, true, c.lines...)
		require.Equal(t, []string{c.chain}, got.Values("X-Forwarded-For"), "%q", c.lines)
		require.Equal(t, []string{"http"}, got.Values("X-Forwarded-Proto"), "%q", c.lines)
		require.Equal(t, []string{"x.test"}, got.Values("X-Forwarded-Host"), "%q", c.lines)
		require.NotContains(t, got, "Forwarded")
		require.NotContains(t, got, "X-Real-Ip")
	}
}

// A client's X-Request-Id goes on and comes back, so it must be one word that any log
// takes; what is not is as if absent.
func TestRequestIDOfAClient(t *testing.T) {
	for id, kept := range map[string]bool{
		"mine-7": true, "a/b+c=": true, strings.Repeat("x", 128): true,
		"": false, "two words": false, "caf\xc3\xa9": false, "a\tb": false, strings.Repeat("x", 129): false,
	} {
		got := forwarded(t, true, "X-Request-Id: "+id).Values("X-Request-Id")
		require.Len(t, got, 1)
		require.Equal(t, kept, got[0] == id, "%q became %q", id, got[0])
		require.NotEmpty(t, got[0])
	}
}
