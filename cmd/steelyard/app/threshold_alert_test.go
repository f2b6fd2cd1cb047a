package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// TestThresholdsThatAlert fire an alert of their own, which actions may name and a rule of that name replaces.
func TestThresholdsThatAlert(t *testing.T) {
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "node_memory_MemTotal_bytes 8\nnode_memory_MemAvailable_bytes 2\n")
	}))
	t.Cleanup(exporter.Close)
	text := fmt.Sprintf(`
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
alerts: {interval: 1s, defaults: false, actions: [{name: less, alert: chat-memory-high, do: drain, dry_run: true}]RULES}
upstreams:
  - name: chat
    endpoints: [{name: a, url: %q}]
    resources: {urls: [%q]}
    scale: {max: 2, slots: 8, thresholds: [{metric: memory, above: 0.7, for: 0s, do: alert}, {metric: gpu_memory, above: 0.9}]}
  - name: other
    endpoints: [{name: b, url: %q}]
    resources: {urls: [%q]}
`, backend(t, "a").URL, exporter.URL, backend(t, "b").URL, exporter.URL)
	with := func(rules string) *configs.Config {
		cfg, err := configs.Parse("test.yaml", []byte(strings.Replace(text, "RULES", rules, 1)), nil)
		require.NoError(t, err)
		return cfg
	}
	r := run(t, with(""))
	eventually(t, "it fires", func() bool { return alertsOf(t, r)["chat-memory-high"].State == "firing" })
	is := alertsOf(t, r)["chat-memory-high"]
	require.Equal(t, "a", is.Endpoint, "not b, which is of another upstream")
	require.Contains(t, is.Summary, "memory of endpoint a of upstream chat is at ")
	require.Len(t, app.AlertPlan(with("")).Rules, 1, "the other threshold asks for servers")
	own := app.AlertPlan(with(`, rules: [{name: chat-memory-high, on: endpoint, metric: steelyard_endpoint_resource_ratio, fn: value, where: [resource=memory], above: 0.99}]`)).Rules
	require.Len(t, own, 1)
	require.Equal(t, 0.99, own[0].Limit)
}
