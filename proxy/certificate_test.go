package proxy_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// selfSigned is a server whose certificate vouches for itself.
func selfSigned(t *testing.T, name string, until time.Time, hosts ...string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: hosts,
		NotBefore: time.Unix(0, 0), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// What a server's certificate says reaches no client, and bursts no buffer: a client gets
// the kind of the error alone.
func TestNothingOfACertificateReachesTheClient(t *testing.T) {
	long := strings.Repeat("issuer-of-many-words ", 3000)
	later, before := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	forged := selfSigned(t, long, later, "gpu.test") // beside one of the same name that did not sign it
	forged.Certificates[0].Certificate = append(forged.Certificates[0].Certificate, selfSigned(t, long, later).Certificates[0].Certificate...)
	for name, c := range map[string]struct {
		server *tls.Config
		trust  bool // the client's root is the server's certificate
		says   string
	}{
		"unknown authority": {selfSigned(t, long, later, "gpu.test"), false, "unknown authority"},
		"forged":            {forged, false, "unknown authority"},
		"short of life":     {selfSigned(t, "gpu", before, "gpu.test"), true, "the certificate has expired or is not yet valid"},
		"a name of its own": {selfSigned(t, "gpu", later, strings.Repeat("x", 60)+".test"), true, "for another name"},
		"many names":        {selfSigned(t, "gpu", later, strings.Split(strings.Repeat("host.test ", 3000), " ")[:3000]...), true, "for another name"},
		"no TLS at all":     {nil, false, "it does not speak TLS"},
		"an old protocol":   {&tls.Config{Certificates: selfSigned(t, "gpu", later, "gpu.test").Certificates, MaxVersion: tls.VersionTLS11}, false, "the TLS handshake failed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := defaults()
			s.connections.TLS = &tls.Config{ServerName: "gpu.test", RootCAs: x509.NewCertPool()}
			address := ""
			if c.server == nil {
				address = endpoint(t, func(conn net.Conn, _ *bufio.Reader) { _, _ = conn.Write([]byte(plain("no TLS"))) })
			} else {
				if c.trust {
					cert, err := x509.ParseCertificate(c.server.Certificates[0].Certificate[0])
					require.NoError(t, err)
					s.connections.TLS.RootCAs.AddCert(cert)
				}
				address = endpoint(t, func(conn net.Conn, _ *bufio.Reader) { _ = tls.Server(conn, c.server).Handshake() })
			}
			g := serve(t, s, address)
			r, body := dial(t, g).ask(get)
			require.Equal(t, 502, r.StatusCode)
			require.Contains(t, body, `"code":"connect_failed"`)
			require.Contains(t, body, c.says)
			require.NotContains(t, body, "issuer-of-many-words")
			require.NotContains(t, body, "x509")
			require.NotContains(t, body, "20", "no time of any certificate")
			require.Less(t, len(body), 400)
			require.Zero(t, g.count(t, "steelyard_panics_total"))
			lines := g.logged.FilterMessage("request failed").All()
			require.Len(t, lines, 1)
			require.NotEmpty(t, lines[0].ContextMap()["error"], "the log has what clients do not see")
			require.Less(t, len(lines[0].ContextMap()["error"].(string)), 2000, "a line of the log has bounds too")
		})
	}
}
