package e2e

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
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
	admins := []string{freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)}
	key := filepath.Join(folder, "key")
	require.NoError(t, os.WriteFile(key, []byte("a-key-of-gateways-that-nobody-guesses\n"), 0o600))
	machine := httptest.NewServer(someMachine())
	defer machine.Close()
	together := fmt.Sprintf("shared: {peers: [\"http://%s\", \"http://%s\"], secret_file: %q, timeout: 500ms, name: ", admins[2], admins[3], key)
	watched := fmt.Sprintf("    resources: {urls: [%q]}\n", machine.URL)
	var files []string
	for i, more := range []struct{ admin, top, upstream string }{
		{}, {admin: fmt.Sprintf(", token_file: %q", token)}, {top: together + "gw-1}\nresources: {interval: 1s}\n", upstream: watched}, {top: together + "gw-2}\n"},
	} {
		file := filepath.Join(folder, fmt.Sprintf("%d.yaml", i))
		text := fmt.Sprintf("listen: [{address: %q}]\nadmin: {address: %q%s}\n%supstreams:\n  - name: chat\n%s    health: {path: /health, interval: 500ms, timeout: 500ms, unhealthy_threshold: 2, healthy_threshold: 1}\n    endpoints:\n",
			freeAddress(t), admins[i], more.admin, more.top, more.upstream)
		for _, s := range servers {
			text += fmt.Sprintf("      - {name: '%s', url: %q, capacity: %g, slots: 8}\n", s.name, s.url(), s.capacity)
		}
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		files = append(files, file)
	}
	run := exec.Command("node", "webpage.mjs", binary, files[0], files[1], servers[2].url(), files[2], files[3])
	run.Dir = folder
	said, err := run.CombinedOutput()
	t.Logf("\n%s", said)
	require.NoError(t, err)
}

// someMachine tells what exporters of a machine with a GPU and of an engine on it tell together.
func someMachine() http.HandlerFunc {
	var asked atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		n := asked.Add(1)
		fmt.Fprintf(w, "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} %d\nnode_cpu_seconds_total{cpu=\"0\",mode=\"user\"} %d\n", 1000+n, 1000+3*n)
		fmt.Fprint(w, "node_memory_MemTotal_bytes 1000\nnode_memory_MemAvailable_bytes 400\nDCGM_FI_DEV_GPU_UTIL{gpu=\"0\"} 97\nvllm:kv_cache_usage_perc{engine=\"0\"} 0.33\n")
	}
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
