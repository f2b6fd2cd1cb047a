package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writePair writes a certificate for a name, its own authority, and its key.
func writePair(t *testing.T, folder, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}, IsCA: true,
		BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "EC PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	}
	return certFile, keyFile
}

// secureBackend is an https endpoint that demands a client's certificate.
func secureBackend(t *testing.T, certFile, keyFile string) *httptest.Server {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.TLS.ServerName, " ", strings.Join(r.TLS.PeerCertificates[0].DNSNames, " "), " ", r.Host)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// The probes and the requests know the same endpoint by the same TLS settings.
func TestEndpointOverTLS(t *testing.T) {
	folder := t.TempDir()
	certFile, keyFile := writePair(t, folder, "gpu.test")
	ownCert, ownKey := writePair(t, folder, "steelyard.test")
	s := secureBackend(t, certFile, keyFile)
	endpoint := func(tls string) string { return fmt.Sprintf("name: gpu, url: %q, tls: {%s}", s.URL, tls) }
	own := fmt.Sprintf("cert_file: %q, key_file: %q", ownCert, ownKey)

	r := run(t, config(t, "", endpoint(fmt.Sprintf("ca_file: %q, server_name: gpu.test, %s", certFile, own))))
	assert.Equal(t, "gpu.test steelyard.test "+strings.TrimPrefix(r.url, "http://"), body(t, r.url))
	assert.True(t, r.state(t, "gpu").Eligible)

	for name, settings := range map[string]string{
		"unknown authority": "server_name: gpu.test, " + own,
		"another name":      fmt.Sprintf("ca_file: %q, server_name: other.test, %s", certFile, own),
	} {
		require.NoError(t, r.Reload(config(t, "", endpoint(settings))), name)
		eventually(t, name, func() bool {
			answer, err := http.Get(r.url)
			require.NoError(t, err)
			defer func() { _ = answer.Body.Close() }()
			_, _ = io.Copy(io.Discard, answer.Body)
			return answer.StatusCode == http.StatusServiceUnavailable && !r.state(t, "gpu").Eligible
		})
	}
	require.NoError(t, r.Reload(config(t, "", endpoint("insecure: true, "+own))))
	eventually(t, "insecure", func() bool { return r.state(t, "gpu").Eligible })
	assert.Contains(t, body(t, r.url), "steelyard.test")
}

// Before the first round of probes is over nobody is served: a dead endpoint
// costs no request, not even a repeated one.
func TestFirstRoundComesFirst(t *testing.T) {
	a := backend(t, "a")
	for range 3 {
		r := run(t, config(t, "", endpoint("dead", nowhere, 1000), endpoint("a", a.URL, 1)))
		assert.Equal(t, "a", body(t, r.url))
		page := page(t, r)
		assert.NotContains(t, page, `steelyard_repeats_total{endpoint="dead",reason="connect",upstream="chat"} 1`)
		assert.Contains(t, page, `steelyard_probes_total{endpoint="dead",result="down",upstream="chat"}`)
		require.NoError(t, r.stop())
	}
}

// An endpoint that dies and comes back leaves and returns by itself.
func TestEndpointLeavesAndReturns(t *testing.T) {
	a := backend(t, "a")
	ill := make(chan bool, 1)
	ill <- false
	b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := <-ill
		ill <- now
		if now && r.URL.Path == "/health" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "b")
	}))
	t.Cleanup(b.Close)
	cfg := config(t, "", endpoint("a", a.URL, 100), endpoint("b", b.URL, 100))
	cfg.Upstreams[0].Health.Path = "/health"
	cfg.Upstreams[0].Health.Interval = 20 * time.Millisecond
	r := run(t, cfg)
	eventually(t, "b to serve", func() bool { return body(t, r.url) == "b" })
	<-ill
	ill <- true
	eventually(t, "b to leave", func() bool { return !r.state(t, "b").Eligible })
	for range 10 {
		assert.Equal(t, "a", body(t, r.url))
	}
	assert.Contains(t, body(t, r.admin+"/api/v1/upstreams"), "503")
	<-ill
	ill <- false
	eventually(t, "b to return", func() bool { return r.state(t, "b").Eligible })
	eventually(t, "b to serve again", func() bool { return body(t, r.url) == "b" })
}
