package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/configs"
)

// slow answers each request after a time, one after the other.
func slow(t *testing.T, each time.Duration) *httptest.Server {
	t.Helper()
	var one sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		<-time.After(each)
		fmt.Fprint(w, "ok")
	}))
	t.Cleanup(s.Close)
	return s
}

// learningConfig has two endpoints of which everything is to be measured.
func learningConfig(t *testing.T, folder string, urls ...string) *configs.Config {
	t.Helper()
	text := fmt.Sprintf(`
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
log: {requests: %[1]q}
upstreams:
  - name: chat
    policy: least_load
    queue: {order: shortest_first, header: true}
    predict: {file: %[2]q}
    endpoints:
`, filepath.Join(folder, "requests.csv"), filepath.Join(folder, "learned.json"))
	for i, url := range urls {
		text += fmt.Sprintf("      - {name: e%d, url: %q, capacity: auto, slots: auto}\n", i, url)
	}
	cfg, err := configs.Parse("test.yaml", []byte(text), nil)
	require.NoError(t, err)
	return cfg
}

func chat(t *testing.T, url string, tokens int) http.Header {
	t.Helper()
	header, err := tryChat(url, tokens)
	require.NoError(t, err)
	return header
}

func tryChat(url string, tokens int) (http.Header, error) {
	body := fmt.Sprintf(`{"model":"m","max_tokens":%d,"messages":[{"role":"user","content":"hi"}]}`, tokens)
	r, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Body.Close() }()
	if _, err = io.Copy(io.Discard, r.Body); err == nil && r.StatusCode != http.StatusOK {
		err = errors.New(r.Status)
	}
	return r.Header, err
}

// TestLearns runs traffic over a fast and a slow endpoint that were said to be alike: their
// capacities are told apart, a reload keeps them, and what was learned outlives a restart.
func TestLearns(t *testing.T) {
	folder := t.TempDir()
	fast, slower := slow(t, 2*time.Millisecond), slow(t, 40*time.Millisecond)
	cfg := learningConfig(t, folder, fast.URL, slower.URL)
	g := run(t, cfg)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var lost atomic.Int64
	for range 24 { // more than are worth waiting for the fast one, however fast it is
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := tryChat(g.url, 100); err != nil {
					lost.Add(1)
					return
				}
			}
		})
	}
	eventually(t, "the endpoints to be told apart", func() bool {
		e := g.Snapshots()[0].Endpoints
		return e[0].Capacity > 1.5*e[1].Capacity && e[0].Slots > 0
	})
	changed := *cfg
	changed.Upstreams = append([]configs.Upstream{}, cfg.Upstreams...)
	changed.Upstreams[0].Queue.MaxRequests++
	require.NoError(t, g.Reload(&changed))
	e := g.Snapshots()[0].Endpoints
	require.Greater(t, e[0].Capacity, 1.2*e[1].Capacity, "a reload forgets nothing")
	require.InDelta(t, 200, e[0].Capacity+e[1].Capacity, 2*200*0.01)
	ready := `steelyard_predictor_ready{upstream="chat"}`
	eventually(t, "the predictor to have seen enough", func() bool { return line(t, g, ready) == "1" })
	close(stop)
	clients.Wait()
	require.Zero(t, lost.Load())
	require.NotEmpty(t, chat(t, g.url, 100).Get("X-Steelyard-Queue-Ms"))
	require.NoError(t, g.stop())

	rows, err := os.ReadFile(filepath.Join(folder, "requests.csv"))
	require.NoError(t, err)
	require.Greater(t, strings.Count(string(rows), "\n"), 100)
	learned, err := os.ReadFile(filepath.Join(folder, "learned.json"))
	require.NoError(t, err)
	require.True(t, json.Valid(learned))

	again := run(t, cfg)
	require.Equal(t, "1", line(t, again, ready), "what was learned is known from before")
}

// TestMeasuresTheScale: optimal_split learns how many requests/s the capacities are.
func TestMeasuresTheScale(t *testing.T) {
	cfg := config(t, "", endpoint("a", slow(t, 4*time.Millisecond).URL, 2), endpoint("b", slow(t, 4*time.Millisecond).URL, 2))
	cfg.Upstreams[0].Policy = "optimal_split"
	cfg.Upstreams[0].Endpoints[0].Slots.Value, cfg.Upstreams[0].Endpoints[1].Slots.Value = 1, 1
	g := run(t, cfg)
	require.Contains(t, g.Snapshots()[0].Note(), "it is not known how many")
	eventually(t, "the scale to be known", func() bool {
		chat(t, g.url, 10)
		return !strings.Contains(g.Snapshots()[0].Note(), "it is not known how many")
	})
}

// TestDamagedMemory starts without what cannot be read, and keeps it for whoever wants to look.
func TestDamagedMemory(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "learned.json"), []byte("{"), 0o600))
	g := run(t, learningConfig(t, folder, backend(t, "a").URL))
	chat(t, g.url, 1)
	aside, err := filepath.Glob(filepath.Join(folder, "learned.json*damaged*"))
	require.NoError(t, err)
	require.Len(t, aside, 1)
}

// TestEveryPolicyIsKnown: what configs accepts there must be, and the other way round.
func TestEveryPolicyIsKnown(t *testing.T) {
	require.ElementsMatch(t, configs.Policies, policy.Names())
}
