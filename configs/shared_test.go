package configs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGatewaysHaveOneKey: they sign by it, where a webhook signs by each of several.
func TestGatewaysHaveOneKey(t *testing.T) {
	const key = "a key that is long enough for all of them"
	for keys, want := range map[string]string{
		key + "\n":                    "",
		key + "\n\n" + key + " too\n": "shared.secret_file: holds 2 keys: keep one, the same for all gateways",
	} {
		file := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(file, []byte(keys), 0o600))
		_, err := Parse("c.yaml", []byte(`
shared: {peers: ["http://10.0.0.2:9090"], secret_file: `+file+`}
upstreams: [{endpoints: [{url: "http://10.0.0.1:8000"}]}]`), nil)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}
