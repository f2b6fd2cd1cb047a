package app_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A certificate that is replaced under its old name takes effect at the next
// reload, though the configuration is the same to the byte.
func TestReloadFollowsCertificates(t *testing.T) {
	folder := t.TempDir()
	certFile, keyFile := writePair(t, folder, "gpu.test")
	ownCert, ownKey := writePair(t, folder, "steelyard.test")
	s := secureBackend(t, certFile, keyFile)
	gpu := fmt.Sprintf("name: gpu, url: %q, tls: {ca_file: %q, server_name: gpu.test, cert_file: %q, key_file: %q}", s.URL, certFile, ownCert, ownKey)
	cfg := config(t, "", gpu)
	r := run(t, cfg)
	require.Contains(t, body(t, r.url), " steelyard.test ")

	before := r.Snapshots()[0]
	require.NoError(t, r.Reload(config(t, "", gpu)))
	assert.Same(t, before, r.Snapshots()[0], "nothing has changed")

	newCert, newKey := writePair(t, folder, "rotated.test")
	require.NoError(t, os.Rename(newCert, ownCert))
	require.ErrorContains(t, r.Reload(cfg), "tls.cert_file", "the key is still the old one's")
	assert.Contains(t, body(t, r.url), " steelyard.test ")

	require.NoError(t, os.Rename(newKey, ownKey))
	require.NoError(t, r.Reload(config(t, "", gpu)))
	assert.Contains(t, body(t, r.url), " rotated.test ")

	require.NoError(t, os.Remove(certFile))
	require.ErrorContains(t, r.Reload(cfg), "tls.ca_file")
	assert.Contains(t, body(t, r.url), " rotated.test ")
}
