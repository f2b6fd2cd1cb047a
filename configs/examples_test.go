package configs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExampleGateway(t *testing.T) {
	cfg, err := Load("gateway.yaml", nil)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", cfg.Listen[0].Address)
	require.Len(t, cfg.Upstreams, 1)
	capacities := map[string]float64{}
	for _, endpoint := range cfg.Upstreams[0].Endpoints {
		capacities[endpoint.Name] = endpoint.Capacity.Value
	}
	require.Equal(t, map[string]float64{"small": 100, "large": 200, "medium": 150}, capacities)
	require.Equal(t, "/health", cfg.Upstreams[0].Health.Path)
}

func TestExampleSidecar(t *testing.T) {
	cfg, err := Load("sidecar.yaml", nil)
	require.NoError(t, err)
	require.Equal(t, []Listen{{Address: "unix:/tmp/steelyard.sock"}}, cfg.Listen)
	require.DirExists(t, "/tmp", "the example works as it comes")
	require.Len(t, cfg.Upstreams, 1)
	require.Equal(t, "127.0.0.1:8000", cfg.Upstreams[0].Endpoints[0].Name)
}

// TestExampleEdge needs the certificate that the file asks for beside it, and says so where there is none.
func TestExampleEdge(t *testing.T) {
	content, err := os.ReadFile("edge.yaml")
	require.NoError(t, err)
	_, err = Parse(filepath.Join(t.TempDir(), "edge.yaml"), content, nil)
	require.ErrorContains(t, err, "listen[0].tls.cert_file")
	require.ErrorContains(t, err, "listen[0].tls.key_file")

	folder := certificateFolder(t)
	cfg, err := Parse(filepath.Join(folder, "edge.yaml"), content, nil)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(folder, "cert.pem"), cfg.Listen[0].TLS.CertFile)
	require.True(t, cfg.Log.Access)
	require.Len(t, cfg.Upstreams, 3)
	require.Len(t, cfg.Routes, 3)
	require.Equal(t, "audio.example.com:443", cfg.Upstreams[2].Endpoints[0].Name)
}
