package front_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

const tick = time.Millisecond

// failures is what the metrics say of failed handshakes for one reason.
func (s *server) failures(t *testing.T, reason string) bool {
	t.Helper()
	w := httptest.NewRecorder()
	s.Metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return strings.Contains(w.Body.String(), `steelyard_tls_handshake_failures_total{reason="`+reason+`"} 1`)
}

func TestFailedHandshakesLeaveATrace(t *testing.T) {
	config := certificate(t, t.TempDir(), "one")
	for reason, talk := range map[string]func(t *testing.T, c net.Conn){
		"not_tls": func(t *testing.T, c net.Conn) {
			_, err := io.WriteString(c, "SSH-2.0-x\r\n")
			require.NoError(t, err)
		},
		"closed": func(_ *testing.T, c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() },
		"timeout": func(*testing.T, net.Conn) {
		},
		"version": func(t *testing.T, c net.Conn) {
			require.Error(t, tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake())
		},
		"refused": func(t *testing.T, c net.Conn) {
			require.Error(t, tls.Client(c, &tls.Config{ServerName: "elsewhere.test"}).Handshake())
		},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			o := front.Options{Handler: hello}
			if reason == "timeout" {
				o.Header = brief
			}
			s := serve(t, o, config, nil)
			c := dial(t, s.address)
			talk(t, c)
			require.Eventually(t, func() bool { return s.failures(t, reason) }, within, tick)
		})
	}
}

func TestPlainHTTPToTLS(t *testing.T) {
	s := serve(t, front.Options{Handler: hello}, certificate(t, t.TempDir(), "one"), nil)
	c := dial(t, s.address)
	r := ask(t, c, "POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n"+strings.Repeat("x", 5000))
	require.Equal(t, 400, r.StatusCode)
	require.True(t, r.Close)
	closes(t, c)
	require.True(t, s.failures(t, "plain_http"))
}
