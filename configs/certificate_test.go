package configs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certificateFolder is a temporary folder with cert.pem and its key.pem, the key.pem of nobody as other.pem, and
// garbage.pem. ca.pem is cert.pem under another name.
func certificateFolder(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range certificateFiles() {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	return folder
}

var certificateFiles = sync.OnceValue(func() map[string][]byte {
	cert, key := selfSigned()
	_, other := selfSigned()
	return map[string][]byte{"cert.pem": cert, "key.pem": key, "ca.pem": cert, "other.pem": other, "garbage.pem": []byte("no PEM\n"),
		"kubeconfig.yaml": []byte("current-context: prod\n")}
})

func selfSigned() (cert, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IsCA:         true,
	}
	certDER, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certDER}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}
