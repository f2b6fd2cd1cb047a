package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/load"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// TestEngines: the configuration knows the engines that can be asked.
func TestEngines(t *testing.T) { require.Equal(t, configs.Engines, load.Engines()) }

// anEngine publishes metrics as vLLM does.
func anEngine(t *testing.T) (url string, finished, scrapes *atomic.Int64) {
	t.Helper()
	finished, scrapes = new(atomic.Int64), new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			scrapes.Add(1)
			fmt.Fprintf(w, "vllm:num_requests_running 40\nvllm:num_requests_waiting 10\nvllm:request_success_total %d\n", finished.Load())
			fmt.Fprint(w, "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"1000\"} 1\n")
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(s.Close)
	return s.URL, finished, scrapes
}

func theEndpoint(t *testing.T, r *running) admin.Endpoint {
	t.Helper()
	response, err := http.Get(r.admin + "/api/v1/upstreams/chat")
	require.NoError(t, err)
	defer response.Body.Close()
	var u admin.Upstream
	require.NoError(t, json.NewDecoder(response.Body).Decode(&u))
	return u.Endpoints[0]
}

// TestSignalsFromFileToLoad: what an engine says reaches the balancer, the admin API and the metrics;
// a restart is told; a reload switches it off and on.
func TestSignalsFromFileToLoad(t *testing.T) {
	url, finished, scrapes := anEngine(t)
	finished.Store(100)
	asking := config(t, "", endpoint("small", url, 100))
	asking.Upstreams[0].Signals = configs.Signals{Engine: "auto", Interval: 100 * time.Millisecond}
	r := run(t, asking)
	server := r.Snapshots()[0].Endpoints[0].Endpoint.Load()
	var waiting, running float64
	require.Eventually(t, func() bool {
		waiting, running = server.Foreign()
		return running > 1 && waiting/running > 0.15 && waiting/running < 0.35 // of 10 and 40; both fade out where no answer comes in time
	}, within, time.Millisecond)
	require.EqualValues(t, 16000, server.CacheTokens())
	require.Zero(t, server.InFlight())

	e := theEndpoint(t, r)
	require.NotNil(t, e.Signal)
	assert.Equal(t, "vllm", e.Signal.Engine)
	assert.EqualValues(t, 40, *e.Signal.Running)
	assert.Nil(t, e.Signal.CacheUsedRatio, "it was not said")
	text := page(t, r)
	assert.Contains(t, text, `steelyard_endpoint_engine_requests{endpoint="small",state="waiting",upstream="chat"} 10`)
	eventually(t, "no answer to be late", func() bool {
		return line(t, r, `steelyard_endpoint_signal_stale{endpoint="small",upstream="chat"}`) == "0"
	})

	starts := server.Starts()
	finished.Store(3)
	require.Eventually(t, func() bool { return server.Starts() == starts+1 }, within, time.Millisecond)
	require.Eventually(t, func() bool {
		return strings.Contains(events(t, r), "its count of finished requests went back")
	}, within, 10*time.Millisecond)

	silent := config(t, "", endpoint("small", url, 100))
	require.NoError(t, r.Reload(silent))
	require.Eventually(t, func() bool { waiting, running = server.Foreign(); return waiting+running == 0 }, within, time.Millisecond)
	require.Nil(t, theEndpoint(t, r).Signal)
	require.NotContains(t, page(t, r), "steelyard_endpoint_signal_age")
	before := scrapes.Load()
	require.NoError(t, r.Reload(asking))
	require.Eventually(t, func() bool { return scrapes.Load() > before+3 }, within, time.Millisecond)
}

// TestEngineThatSaysNothing is told of once, and served as ever.
func TestEngineThatSaysNothing(t *testing.T) {
	s := backend(t, "a")
	cfg := config(t, "", endpoint("small", s.URL, 100))
	cfg.Upstreams[0].Signals = configs.Signals{Engine: "sglang", Interval: 100 * time.Millisecond}
	r := run(t, cfg)
	require.Eventually(t, func() bool { return strings.Contains(events(t, r), "signal_lost") }, within, 10*time.Millisecond)
	assert.Contains(t, events(t, r), "start SGLang with --enable-metrics")
	signal := theEndpoint(t, r).Signal
	require.NotNil(t, signal)
	assert.True(t, signal.Stale)
	assert.Empty(t, signal.Engine)
	response, err := http.Get(r.url)
	require.NoError(t, err)
	_ = response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)
}

// events is what the admin API says has happened.
func events(t *testing.T, r *running) string {
	t.Helper()
	response, err := http.Get(r.admin + "/api/v1/events")
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}

// TestCostsInTheAPI: where the policy goes by cost, the admin API shows what is in flight as the policy sees it, and
// answers say why their endpoint was chosen.
func TestCostsInTheAPI(t *testing.T) {
	s := backend(t, "a")
	cfg := config(t, "", endpoint("small", s.URL, 100))
	r := run(t, cfg)
	require.Nil(t, theEndpoint(t, r).Cost, "no policy by cost")
	cfg = config(t, "", endpoint("small", s.URL, 100))
	cfg.Upstreams[0].Policy, cfg.Upstreams[0].PickHeader = "least_cost", true
	require.NoError(t, r.Reload(cfg))
	response, err := http.Get(r.url + "/stream")
	require.NoError(t, err)
	pick := response.Header.Get("X-Steelyard-Pick")
	assert.Regexp(t, `^"small";cost_ms=[0-9.]+;waiting_ms=0.000;.*;in_flight=0;capacity=100$`, pick)
	cost := theEndpoint(t, r).Cost
	require.NotNil(t, cost)
	assert.Equal(t, 1, cost.Reading+cost.Writing)
	assert.Nil(t, cost.ReadRate, "nothing was measured")
	_ = response.Body.Close()
	require.Eventually(t, func() bool { c := theEndpoint(t, r).Cost; return c.Reading+c.Writing == 0 && c.ContextTokens == 0 }, within, time.Millisecond)
}
