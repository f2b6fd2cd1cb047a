package front_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// certificate writes a key pair for a name and serves it.
func certificate(t *testing.T, folder, name string) *tls.Config {
	t.Helper()
	config, _ := loggedCertificate(t, folder, name)
	return config
}

func loggedCertificate(t *testing.T, folder, name string) (*tls.Config, *observer.ObservedLogs) {
	t.Helper()
	write(t, folder, name)
	core, logs := observer.New(zap.InfoLevel)
	config, err := front.ServerTLS(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"), zap.New(core), func(string, time.Time) {})
	require.NoError(t, err)
	return config, logs
}

func write(t *testing.T, folder, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, file), pem.EncodeToMemory(block), 0o600))
	}
}

// shown is the name in the certificate that a new client is shown.
func shown(t *testing.T, address string) string {
	t.Helper()
	c := secure(dial(t, address), &tls.Config{}).(*tls.Conn)
	require.NoError(t, c.Handshake())
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config, _ := loggedCertificate(t, folder, "one")
	s := serve(t, front.Options{Handler: hello}, config, nil)
	old := secure(dial(t, s.address), config)
	ask(t, old, get)
	write(t, folder, "two")
	require.Eventually(t, func() bool { return shown(t, s.address) == "two" }, within, 20*time.Millisecond)
	require.Equal(t, 200, ask(t, old, get).StatusCode, "connections outlive their certificate")
}

func TestBrokenCertificateLeavesTheOldOne(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config, logs := loggedCertificate(t, folder, "one")
	s := serve(t, front.Options{Handler: hello}, config, nil)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "key.pem"), []byte("broken"), 0o600))
	require.Eventually(t, func() bool {
		require.Equal(t, "one", shown(t, s.address))
		return logs.FilterMessageSnippet("not reloaded").Len() > 0
	}, within, 20*time.Millisecond)
	require.Equal(t, "one", shown(t, s.address))
	require.NoError(t, os.Remove(filepath.Join(folder, "key.pem")))
	require.Equal(t, "one", shown(t, s.address))
	write(t, folder, "two")
	require.Eventually(t, func() bool { return shown(t, s.address) == "two" }, within, 20*time.Millisecond)
}

// A certificate that ends within two weeks is warned of, once a day, and so are files that
// have gone, once: the next start would fail.
func TestCertificateWarnings(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config, logs := loggedCertificate(t, folder, "one") // it ends in an hour
	require.Equal(t, 1, logs.FilterMessage("certificate ends soon").Len())
	s := serve(t, front.Options{Handler: hello}, config, nil)
	require.NoError(t, os.Remove(filepath.Join(folder, "cert.pem")))
	gone := func() int {
		require.Equal(t, "one", shown(t, s.address))
		return logs.FilterMessageSnippet("files cannot be read").Len()
	}
	require.Eventually(t, func() bool { return gone() == 1 }, within, 20*time.Millisecond)
	write(t, folder, "two")
	require.Eventually(t, func() bool { return shown(t, s.address) == "two" }, within, 20*time.Millisecond)
	require.Equal(t, 1, logs.FilterMessageSnippet("files cannot be read").Len())
	require.Equal(t, 2, logs.FilterMessage("certificate ends soon").Len(), "of the new one, too")
}

func TestCertificateThatIsNotThere(t *testing.T) {
	_, err := front.ServerTLS(filepath.Join(t.TempDir(), "cert.pem"), "key.pem", zap.NewNop(), func(string, time.Time) {})
	require.ErrorContains(t, err, "load certificate")
	require.ErrorIs(t, err, os.ErrNotExist)
}
