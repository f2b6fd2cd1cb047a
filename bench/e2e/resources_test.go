package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The gateway hears of a machine by Debian's node_exporter and by the agent, and both say the same of it.
func TestResources(t *testing.T) {
	need(t, "prometheus-node-exporter")
	exporter, agent, listen, admin := freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)
	start(t, nil, "prometheus-node-exporter", "--web.listen-address="+exporter)
	start(t, nil, binary, "agent", "--listen", agent)
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	text := fmt.Sprintf("listen: [{address: %q}]\nadmin: {address: %q}\nresources: {interval: 1s}\nupstreams:\n  - name: chat\n    endpoints:\n"+
		"      - {name: by-exporter, url: \"http://127.0.0.1:1\", resources: {urls: [\"http://%s\"]}}\n"+
		"      - {name: by-agent, url: \"http://127.0.0.1:2\", resources: {urls: [\"http://%s/metrics\"]}}\n", listen, admin, exporter, agent)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	gateway := start(t, nil, binary, "serve", file)
	series := regexp.MustCompile(`steelyard_endpoint_resource_ratio\{endpoint="(by-[a-z]+)",resource="([a-z_]+)",upstream="chat"\} (\S+)`)
	known := func() map[string]map[string]string {
		found := map[string]map[string]string{"by-exporter": {}, "by-agent": {}}
		answer, err := http.Get("http://" + admin + "/metrics")
		if err != nil {
			return found
		}
		defer func() { _ = answer.Body.Close() }()
		page, _ := io.ReadAll(answer.Body)
		for _, m := range series.FindAllStringSubmatch(string(page), -1) {
			found[m[1]][m[2]] = m[3]
		}
		return found
	}
	for _, name := range []string{"by-exporter", "by-agent"} {
		eventually(t, name+" says how busy the processors are", func() bool { return known()[name]["cpu"] != "" && known()[name]["memory"] != "" })
	}
	now := known()
	for resource := range now["by-exporter"] {
		require.Contains(t, now["by-agent"], resource, "the agent tells of what node_exporter tells of")
	}
	require.NoError(t, exec.Command(binary, "ready", file).Run())
	gateway.signal(t, syscall.SIGTERM)
	require.Zero(t, gateway.exits(t))
	require.Error(t, exec.Command(binary, "ready", file).Run())
}
