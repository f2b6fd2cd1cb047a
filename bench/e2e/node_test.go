package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// nodeFolder is a folder with a script of ours and the npm packages that it needs.
func nodeFolder(t *testing.T, script string, packages ...string) string {
	t.Helper()
	need(t, "node", "npm")
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "package.json"), []byte(`{"private": true, "type": "module"}`), 0o600))
	install := exec.Command("npm", append([]string{"install", "--no-audit", "--no-fund", "--loglevel=error"}, packages...)...)
	install.Dir = folder
	said, err := install.CombinedOutput()
	require.NoError(t, err, "%s", said)
	text, err := os.ReadFile(script)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, script), text, 0o600))
	return folder
}
