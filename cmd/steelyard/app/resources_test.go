package app

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Who is asked comes from the endpoint, or else from its upstream, with its host put in.
func TestWhoTellsOfAMachine(t *testing.T) {
	shared := &configs.Exporters{URLs: []string{"http://{host}:9100", "https://x/{host}?a=1"}, GPUs: []int{3}}
	own := &configs.Exporters{URLs: []string{"http://b:9400/m"}, Mounts: []string{"/"}}
	require.Empty(t, wantMachine(nil, nil, "10.0.0.1").urls)
	m := wantMachine(shared, nil, "10.0.0.1")
	require.Equal(t, []string{"http://10.0.0.1:9100/metrics", "https://x/10.0.0.1?a=1"}, m.urls)
	require.Equal(t, []string{"3"}, m.of.GPUs)
	require.Equal(t, "http://[fd00::1]:9100/metrics", wantMachine(shared, nil, "fd00::1").urls[0])
	m = wantMachine(shared, own, "10.0.0.1")
	require.Equal(t, []string{"http://b:9400/m"}, m.urls)
	require.Equal(t, []string{"/"}, m.of.Mounts)
	require.Empty(t, m.of.GPUs)
}

// An endpoint's machine is asked, shown and forgotten by reloads, and what asks for it ends with it.
func TestResources(t *testing.T) {
	var asked atomic.Int64
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, "node_memory_MemTotal_bytes 8\nnode_memory_MemAvailable_bytes 2\nvllm:kv_cache_usage_perc 0.5\n")
	}))
	defer exporter.Close()
	const servers = "upstreams:\n  - name: chat\n    endpoints: [{name: a, url: \"http://127.0.0.1:1\"}, {name: b, url: \"http://127.0.0.1:1\"}]\n"
	withResources := servers + "    resources: {urls: [\"" + exporter.URL + "\"]}\n"
	parse := func(text string) *configs.Config {
		cfg, err := configs.Parse("t.yaml", []byte("listen: [{address: \"127.0.0.1:0\"}]\nadmin: {address: \"\"}\n"+text), nil)
		require.NoError(t, err)
		return cfg
	}
	a, err := New(parse(withResources), Options{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		stop()
		require.NoError(t, <-ended)
	}()
	value := func(metric string) float64 {
		for _, r := range a.fleet.resourcesOf("chat") {
			if r.Metric == metric {
				return r.Value
			}
		}
		t.Fatal("no resource " + metric)
		return 0
	}
	require.Eventually(t, func() bool { return value("memory") == 0.75 }, time.Minute, time.Millisecond)
	require.Equal(t, 0.5, value("kv_cache"))
	require.True(t, math.IsNaN(value("gpu")), "nobody has said so")
	require.EqualValues(t, 1, asked.Load(), "two endpoints of one machine, one question")
	shown := a.fleet.Upstreams()[0].Endpoints[1].Resources
	require.Equal(t, map[string]float64{"memory": 0.75, "kv_cache": 0.5}, shown.Ratios)
	require.Equal(t, exporter.URL+"/metrics", shown.Sources[0].URL)
	require.False(t, shown.Stale)
	require.Len(t, a.fleet.resources(), 2)
	text := exposition(t, a)
	require.Contains(t, text, `steelyard_endpoint_resource_ratio{endpoint="a",resource="memory",upstream="chat"} 0.75`)
	require.NotContains(t, text, `resource="gpu"`)

	require.NoError(t, a.Reload(parse(servers)))
	require.Empty(t, a.fleet.resources())
	require.Nil(t, a.fleet.Upstreams()[0].Endpoints[1].Resources)
	require.NoError(t, a.Reload(parse(withResources)))
	require.Eventually(t, func() bool { return value("memory") == 0.75 }, time.Minute, time.Millisecond)
	require.Zero(t, a.events.Published(event.ResourceLost))
}

func exposition(t *testing.T, a *App) string {
	t.Helper()
	w := httptest.NewRecorder()
	a.Metrics().Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code)
	return strings.Join(strings.Fields(w.Body.String()), " ")
}
