package app_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// secured is a server that speaks TLS, and the file of its certificate.
func secured(t *testing.T, answer string) (server *httptest.Server, roots string) {
	t.Helper()
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots = filepath.Join(t.TempDir(), "roots.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(roots, text, 0o600))
	return server, roots
}

// TestFoundEndpointsSpeakTLS by discovery.tls, beside others that do not.
func TestFoundEndpointsSpeakTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.json")
	server, roots := secured(t, "by TLS")
	plain := backend(t, "plainly")
	r := run(t, found(t, ", grace: 0s, tls: {ca_file: "+roots+", server_name: example.com}", file))
	writeList(t, file, map[string]*httptest.Server{"a": server})
	eventually(t, "it is found", func() bool { return eligible(r, "a") })
	require.Equal(t, "by TLS", body(t, r.url))
	writeList(t, file, map[string]*httptest.Server{"b": plain})
	eventually(t, "the other one is found", func() bool { return eligible(r, "b") && len(standing(r)) == 1 })
	require.Equal(t, "plainly", body(t, r.url))
}

// TestFoundEndpointsMustBeWhoTheyAre: one whose certificate nobody vouches for, or that is another's, never serves.
func TestFoundEndpointsMustBeWhoTheyAre(t *testing.T) {
	server, roots := secured(t, "by TLS")
	for name, keys := range map[string]string{"unknown": "{}", "another": "{ca_file: " + roots + ", server_name: other.example}"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "list.json")
			r := run(t, found(t, ", grace: 0s, tls: "+keys, file))
			writeList(t, file, map[string]*httptest.Server{"a": server})
			eventually(t, "a probe to fail by that", func() bool { return contains(body(t, r.admin+"/api/v1/upstreams"), `"result": "tls"`) })
			require.False(t, eligible(r, "a"))
		})
	}
}
