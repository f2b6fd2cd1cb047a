package app

import (
	"crypto/tls"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

func parsed(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

func TestHostField(t *testing.T) {
	for text, want := range map[string]string{
		"http://gpu:80": "gpu", "https://gpu:443": "gpu", "http://gpu:443": "gpu:443", "https://gpu:80": "gpu:80", "http://gpu:8000": "gpu:8000",
		"http://[::1]:8000": "[::1]:8000", "http://[::1]:80": "[::1]", "https://[2001:db8::1]:443": "[2001:db8::1]",
	} {
		assert.Equal(t, want, hostField(parsed(t, text)), text)
	}
}

func TestClientTLS(t *testing.T) {
	plain, err := clientTLS(parsed(t, "http://gpu:80"), nil, tlsFiles{})
	require.NoError(t, err)
	assert.Nil(t, plain)

	config, err := clientTLS(parsed(t, "https://gpu.test:443"), nil, tlsFiles{})
	require.NoError(t, err)
	assert.Equal(t, "gpu.test", config.ServerName)
	assert.Nil(t, config.RootCAs, "the system's")
	assert.False(t, config.InsecureSkipVerify)
	assert.EqualValues(t, tls.VersionTLS12, config.MinVersion)

	config, err = clientTLS(parsed(t, "https://10.0.0.1:443"), &configs.ClientTLS{ServerName: "gpu3", Insecure: true}, tlsFiles{})
	require.NoError(t, err)
	assert.Equal(t, "gpu3", config.ServerName)
	assert.True(t, config.InsecureSkipVerify)
}

func TestBadClientTLS(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, []byte("nothing\n"), 0o600))
	for part, settings := range map[string]configs.ClientTLS{
		"read tls.ca_file: open /none.pem":   {CAFile: "/none.pem"},
		empty + ": no certificate in it":     {CAFile: empty},
		"read tls.cert_file: open /none.pem": {CertFile: "/none.pem", KeyFile: "/none.key"},
		"read tls.cert_file: tls":            {CertFile: empty, KeyFile: empty},
	} {
		files, err := readTLSFiles(&settings)
		if err == nil {
			_, err = clientTLS(parsed(t, "https://gpu:443"), &settings, files)
		}
		assert.ErrorContains(t, err, part)
	}
}
