package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhoeverReachesTheAdminListenerNeedsAToken: where that is not this machine alone.
func TestWhoeverReachesTheAdminListenerNeedsAToken(t *testing.T) {
	for address, needed := range map[string]bool{
		"127.0.0.1:9090": false, "127.9.9.9:9090": false, "localhost:9090": false, "[::1]:9090": false, "unix:/run/admin.sock": false, "": false,
		":9090": true, "0.0.0.0:9090": true, "[::]:9090": true, "10.1.2.3:9090": true, "[2001:db8::1]:9090": true, "gateway.example:9090": true, "localhost.example:9090": true,
	} {
		_, err := Parse("c.yaml", fmt.Appendf(nil, "admin: {address: %q}\nupstreams: [{endpoints: [{url: \"http://127.0.0.1:9001\"}]}]", address), nil)
		if !needed {
			assert.NoError(t, err, address)
			continue
		}
		assert.ErrorContains(t, err, "1: admin.address: can be reached from other machines", address)
		assert.ErrorContains(t, err, "give admin.token_file", address)
	}
}

func TestTokens(t *testing.T) {
	folder := t.TempDir()
	for content, wrong := range map[string]string{
		"0123456789abcdef\n":            "",
		"  0123456789abcdef  \r\n\n":    "",
		strings.Repeat("x", 1024):       "",
		strings.Repeat("x", 1025):       "holds no token",
		"":                              "less than 16 bytes",
		"0123456789abcde\n":             "less than 16 bytes",
		"0123456789 abcdef":             "holds no token",
		"0123456789abcdef\nand another": "holds no token",
		"0123456789äöüabc":              "holds no token",
	} {
		file := filepath.Join(folder, "token")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := Parse(filepath.Join(folder, "c.yaml"), []byte("admin: {address: \":9090\", token_file: token}\nupstreams: [{endpoints: [{url: \"http://127.0.0.1:9001\"}]}]"), nil)
		if wrong == "" {
			assert.NoError(t, err, "%q", content)
			continue
		}
		assert.ErrorContains(t, err, "admin.token_file: ", "%q", content)
		assert.ErrorContains(t, err, wrong, "%q", content)
		if content != "" {
			assert.NotContains(t, err.Error(), content, "a secret stays one")
		}
	}
	file := filepath.Join(folder, "token")
	require.NoError(t, os.WriteFile(file, []byte("0123456789abcdef"), 0o600))
	require.NoError(t, os.Chmod(file, 0o644))
	lines, _ := examine(t, "admin: {token_file: "+file+"}\nupstreams: [{endpoints: [{url: \"http://127.0.0.1:9001\"}]}]")
	require.Len(t, lines, 1)
	assert.Contains(t, lines[0], "can be read by every user of this machine")
}

// TestShownHidesSecrets, and nothing else.
func TestShownHidesSecrets(t *testing.T) {
	c, err := Parse("c.yaml", []byte("webhooks: [{name: w, url: \"https://hooks.example/T0/B0\"}]\nupstreams: [{name: u, endpoints: [{url: \"http://127.0.0.1:9001\"}]}]"), nil)
	require.NoError(t, err)
	whole, err := c.YAML()
	require.NoError(t, err)
	shown, err := c.Shown()
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(string(whole), "https://hooks.example/T0/B0", "(secret)"), string(shown))
}
