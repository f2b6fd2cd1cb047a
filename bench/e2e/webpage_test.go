package e2e

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// npm installs packages into a folder with a script of ours, and returns the folder.
func npm(t *testing.T, script string, packages ...string) string {
	t.Helper()
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

// TestWebPage looks at the page of the admin listener in a real browser; webpage.mjs has the steps. The script starts the gateway
// itself, since it also ends it.
func TestWebPage(t *testing.T) {
	need(t, "chromium", "node", "npm")
	folder := npm(t, "webpage.mjs", "playwright-core@1.65.1", "axe-core@4.14.1")
	servers := threeServers(t)
	servers[1].name = `<img src=x onerror="alert(1)">` // a name is text, whatever it is
	token := filepath.Join(folder, "token")
	require.NoError(t, os.WriteFile(token, []byte("a-token-that-nobody-guesses\n"), 0o600))
	var files []string
	for i, more := range []string{"", fmt.Sprintf(", token_file: %q", token)} {
		file := filepath.Join(folder, fmt.Sprintf("%d.yaml", i))
		text := fmt.Sprintf("listen: [{address: %q}]\nadmin: {address: %q%s}\nupstreams:\n  - name: chat\n    health: {path: /health, interval: 500ms, timeout: 500ms, unhealthy_threshold: 2, healthy_threshold: 1}\n    endpoints:\n",
			freeAddress(t), freeAddress(t), more)
		for _, s := range servers {
			text += fmt.Sprintf("      - {name: '%s', url: %q, capacity: %g, slots: 8}\n", s.name, s.url(), s.capacity)
		}
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		files = append(files, file)
	}
	run := exec.Command("node", "webpage.mjs", binary, files[0], files[1], servers[2].url())
	run.Dir = folder
	said, err := run.CombinedOutput()
	t.Logf("\n%s", said)
	require.NoError(t, err)
}

// TestWebPageLibraries holds what the page has of others to what npm has: the packages by the integrity that is recorded, and each
// file byte for byte.
func TestWebPageLibraries(t *testing.T) {
	need(t, "npm", "tar")
	const from = "../../proxy/admin/page/npm"
	text, err := os.ReadFile(filepath.Join(from, "packages.json"))
	require.NoError(t, err)
	var recorded struct {
		Packages []struct {
			Name, Version, Integrity string
			Files                    []struct {
				File      string
				InPackage string `json:"in_package"`
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &recorded))
	require.NotEmpty(t, recorded.Packages)
	for _, p := range recorded.Packages {
		folder := t.TempDir()
		pack := exec.Command("npm", "pack", "--silent", p.Name+"@"+p.Version)
		pack.Dir = folder
		said, err := pack.CombinedOutput()
		require.NoError(t, err, "%s", said)
		archive := filepath.Join(folder, fmt.Sprintf("%s-%s.tgz", p.Name, p.Version))
		content, err := os.ReadFile(archive)
		require.NoError(t, err)
		sum := sha512.Sum512(content)
		require.Equal(t, p.Integrity, "sha512-"+base64.StdEncoding.EncodeToString(sum[:]), p.Name)
		require.NoError(t, exec.Command("tar", "xzf", archive, "-C", folder).Run())
		for _, f := range p.Files {
			theirs, err := os.ReadFile(filepath.Join(folder, "package", f.InPackage))
			require.NoError(t, err)
			ours, err := os.ReadFile(filepath.Join(from, p.Name, f.File))
			require.NoError(t, err)
			require.Equal(t, string(theirs), string(ours), "%s of %s", f.File, p.Name)
		}
	}
}
