package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSDK lets the official OpenAI SDK use the demo as it would use any server.
func TestSDK(t *testing.T) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed, and CI needs it", tool)
			}
			t.Skipf("%s is not installed", tool)
		}
	}
	folder := t.TempDir()
	install := exec.Command("npm", "install", "--no-audit", "--no-fund", "--silent", "openai@6")
	install.Dir = folder
	require.NoError(t, os.WriteFile(filepath.Join(folder, "package.json"), []byte(`{"private": true, "type": "module"}`), 0o600))
	out, err := install.CombinedOutput()
	require.NoError(t, err, "%s", out)
	script, err := os.ReadFile("sdk.mjs")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "sdk.mjs"), script, 0o600))

	listen, admin := freePort(t), freePort(t)
	demo := start(t, nil, binary, "demo", "--no-load", "--listen", listen, "--admin", admin)
	eventually(t, "the demo is ready", answers("http://"+admin+"/readyz"))
	servers := regexp.MustCompile(`(?:small|large|medium)\s+(http://127\.0\.0\.1:\d+)`)
	var urls []string
	eventually(t, "the demo names its servers", func() bool {
		urls = nil
		for _, m := range servers.FindAllStringSubmatch(demo.said(), 3) {
			urls = append(urls, m[1])
		}
		return len(urls) == 3
	})
	run := exec.Command("node", append([]string{"sdk.mjs", "http://" + listen}, urls...)...)
	run.Dir = folder
	out, err = run.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
}
