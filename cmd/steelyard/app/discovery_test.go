package app_test

import (
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

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// found is a configuration whose endpoints a file lists.
func found(t *testing.T, more, file string) *configs.Config {
	t.Helper()
	cfg, err := configs.Parse("test.yaml", []byte(fmt.Sprintf(`
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
upstreams:
  - name: chat
    health: {interval: 100ms, timeout: 100ms, unhealthy_threshold: 1, healthy_threshold: 1}
    discovery: {kind: file, path: %q, interval: 1s, initial_timeout: 0s%s}
`, file, more)), nil)
	require.NoError(t, err)
	return unhurried(cfg)
}

// listed is a list of servers as a source has it.
func listed(sure bool, servers map[string]*httptest.Server) discovery.List {
	l := discovery.List{Sure: sure}
	for name, s := range servers {
		l.Endpoints = append(l.Endpoints, discovery.Endpoint{Name: name, URL: s.URL})
	}
	return l
}

func writeList(t *testing.T, file string, servers map[string]*httptest.Server) {
	t.Helper()
	l := listed(true, servers)
	require.NoError(t, os.WriteFile(file+".new", discovery.Print(l.Endpoints), 0o600))
	require.NoError(t, os.Rename(file+".new", file))
}

// standing are the conditions of the endpoints, by name.
func standing(r *running) map[string]balancer.Condition {
	all := map[string]balancer.Condition{}
	for _, e := range r.Snapshots()[0].Endpoints {
		all[e.Endpoint.Name()] = e.Conditions
	}
	return all
}

func eligible(r *running, name string) bool {
	c, there := standing(r)[name]
	return there && c == 0
}

// Endpoints appear in a file, change there, and vanish.
func TestEndpointsFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.json")
	a, b := backend(t, "a"), backend(t, "b")
	r := run(t, found(t, ", grace: 0s", file))
	require.Empty(t, standing(r))
	writeList(t, file, map[string]*httptest.Server{"a": a})
	eventually(t, "the first one", func() bool { return eligible(r, "a") })
	require.Equal(t, "a", body(t, r.url))
	writeList(t, file, map[string]*httptest.Server{"a": a, "b": b})
	eventually(t, "the second one", func() bool { return eligible(r, "b") })
	writeList(t, file, map[string]*httptest.Server{"b": b})
	eventually(t, "the first one to go", func() bool { return len(standing(r)) == 1 })
	require.Equal(t, "b", body(t, r.url))
	require.NoError(t, os.WriteFile(file, []byte("[{"), 0o600))
	eventually(t, "the broken file to be told", func() bool {
		return contains(page(t, r), `steelyard_events_total{kind="discovery_failed"} `) && line(t, r, `steelyard_events_total{kind="discovery_failed"}`) != "0"
	})
	require.Equal(t, "b", body(t, r.url))
}

// Servers appear, move and vanish under load, and no request fails.
func TestEndpointsChangeUnderLoad(t *testing.T) {
	pool := make([]*httptest.Server, 6)
	for i := range pool {
		pool[i] = backend(t, fmt.Sprint(i))
	}
	r := run(t, found(t, "", filepath.Join(t.TempDir(), "none.json")))
	sink, forget := app.FindBy(r.App, "chat", "test", within)
	sink.Found(listed(true, map[string]*httptest.Server{"a": pool[0]}))
	eventually(t, "the first one", func() bool { return eligible(r, "a") })

	var failed, served atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				answer, err := http.Get(r.url)
				if err != nil {
					failed.Add(1)
					continue
				}
				_, err = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK {
					failed.Add(1)
				}
				served.Add(1)
			}
		})
	}
	for round := range 6 {
		one, two := pool[round%6], pool[(round+1)%6]
		sink.Found(listed(true, map[string]*httptest.Server{"a": one, "b": two, fmt.Sprint("c", round): pool[(round+2)%6]}))
		eventually(t, "the new ones", func() bool { return eligible(r, fmt.Sprint("c", round)) && len(standing(r)) <= 4 })
		before := served.Load()
		eventually(t, "requests", func() bool { return served.Load() > before+20 })
	}
	close(stop)
	clients.Wait()
	require.Zero(t, failed.Load(), "of %d", served.Load())
	forget()
	eventually(t, "all to go", func() bool { return len(standing(r)) == 0 })
	require.Zero(t, app.InFlight(r.App))
}

// A stream goes on at an endpoint that is no longer named. It is shown for as long as that lasts.
func TestStreamsOutliveTheirEndpoints(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	r := run(t, found(t, "", filepath.Join(t.TempDir(), "none.json")))
	sink, _ := app.FindBy(r.App, "chat", "test", within)
	sink.Found(listed(true, map[string]*httptest.Server{"a": a}))
	eventually(t, "the first one", func() bool { return eligible(r, "a") })
	stream, err := http.Get(r.url + "/stream")
	require.NoError(t, err)
	sink.Found(listed(true, map[string]*httptest.Server{"b": b}))
	eventually(t, "the other one", func() bool { return eligible(r, "b") })
	require.Equal(t, balancer.Departing, standing(r)["a"])
	require.Equal(t, "b", body(t, r.url))
	line := make([]byte, len("data: x\n\n"))
	for range 1000 {
		_, err = io.ReadFull(stream.Body, line)
		require.NoError(t, err)
	}
	require.NoError(t, stream.Body.Close())
	eventually(t, "it to go", func() bool { return len(standing(r)) == 1 })
}

// A new endpoint gets nothing before its first probe has passed, and that it does not is no news.
func TestNewEndpointsEnterByProbe(t *testing.T) {
	var well atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/health" && !well.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	cfg := found(t, "", filepath.Join(t.TempDir(), "none.json"))
	cfg.Upstreams[0].Health.Path = "/health"
	r := run(t, cfg)
	sink, _ := app.FindBy(r.App, "chat", "test", 0)
	sink.Found(listed(true, map[string]*httptest.Server{"a": s}))
	eventually(t, "some probes", func() bool {
		return len(line(t, r, `steelyard_probes_total{endpoint="a",result="down",upstream="chat"}`)) > 0 && line(t, r, `steelyard_probes_total{endpoint="a",result="down",upstream="chat"}`) >= "3"
	})
	require.Equal(t, balancer.Arriving, standing(r)["a"])
	answer, err := http.Get(r.url)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.Equal(t, "0", line(t, r, `steelyard_events_total{kind="probe_failed"}`))
	well.Store(true)
	eventually(t, "it to get requests", func() bool { return eligible(r, "a") })
	eventually(t, "that to be told", func() bool { return line(t, r, `steelyard_events_total{kind="arrived"}`) == "1" })
}

// A reload drops no endpoint that was found; another source keeps the list until it has spoken.
func TestReloadKeepsWhatWasFound(t *testing.T) {
	folder := t.TempDir()
	one, two := filepath.Join(folder, "one.json"), filepath.Join(folder, "two.json")
	a, b := backend(t, "a"), backend(t, "b")
	writeList(t, one, map[string]*httptest.Server{"a": a})
	first := found(t, "", one)
	first.Upstreams[0].Discovery.InitialTimeout = within // the start waits for the list
	r := run(t, first)
	eventually(t, "the first one", func() bool { return eligible(r, "a") })
	for n := range 5 {
		require.NoError(t, r.Reload(found(t, fmt.Sprintf(", capacity: %d, slots: %d", n+1, n), one)))
		require.True(t, eligible(r, "a"))
		require.EqualValues(t, n+1, r.Snapshots()[0].Endpoints[0].Base)
	}
	require.NoError(t, r.Reload(found(t, "", two)))
	require.True(t, eligible(r, "a"))
	writeList(t, two, map[string]*httptest.Server{"b": b})
	eventually(t, "the other list", func() bool { return eligible(r, "b") && len(standing(r)) == 1 })

	fixed := found(t, "", two)
	fixed.Upstreams[0].Discovery = nil
	fixed.Upstreams[0].Endpoints = []configs.Endpoint{{Name: "c", URL: a.URL, Capacity: configs.Capacity{Value: 1}}}
	require.NoError(t, r.Reload(fixed))
	eventually(t, "the configuration's own", func() bool { return eligible(r, "c") && len(standing(r)) == 1 })
}

// Names of the configuration go before those that are found.
func TestFixedEndpointsAreNotHidden(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	cfg := found(t, "", filepath.Join(t.TempDir(), "none.json"))
	cfg.Upstreams[0].Endpoints = []configs.Endpoint{{Name: "a", URL: a.URL, Capacity: configs.Capacity{Value: 1}}}
	r := run(t, cfg)
	sink, forget := app.FindBy(r.App, "chat", "test", within)
	sink.Found(listed(true, map[string]*httptest.Server{"a": b, "b": b}))
	eventually(t, "the other one", func() bool { return eligible(r, "b") })
	require.Equal(t, a.URL, r.Snapshots()[0].Endpoints[0].Endpoint.URL())
	forget()
	eventually(t, "it to go", func() bool { return len(standing(r)) == 1 })
	require.True(t, eligible(r, "a"))
}

func TestDepart(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	r := run(t, found(t, "", filepath.Join(t.TempDir(), "none.json")))
	sink, _ := app.FindBy(r.App, "chat", "test", within)
	both := map[string]*httptest.Server{"a": a, "b": b}
	sink.Found(listed(true, both))
	eventually(t, "both", func() bool { return eligible(r, "a") && eligible(r, "b") })
	changed, err := app.Depart(r.App, "chat", "a", true)
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, balancer.Departing, standing(r)["a"])
	require.Equal(t, "b", body(t, r.url))
	sink.Found(listed(true, both))
	changed, err = app.Depart(r.App, "chat", "a", true)
	require.NoError(t, err)
	require.False(t, changed)
	_, err = app.Depart(r.App, "chat", "a", false)
	require.NoError(t, err)
	require.True(t, eligible(r, "a"))
	_, err = app.Depart(r.App, "chat", "x", true)
	require.ErrorContains(t, err, "there is none of that name")
}

// The same address with another ID is another server: it has its own count, and enters by a probe of its own.
func TestAddressThatRecurs(t *testing.T) {
	a := backend(t, "a")
	r := run(t, found(t, "", filepath.Join(t.TempDir(), "none.json")))
	sink, _ := app.FindBy(r.App, "chat", "test", within)
	as := func(id string) {
		sink.Found(discovery.List{Sure: true, Endpoints: []discovery.Endpoint{{Name: "a", URL: a.URL, ID: id}}})
	}
	as("one")
	eventually(t, "the first", func() bool { return eligible(r, "a") })
	first := r.Snapshots()[0].Endpoints[0].Endpoint
	stream, err := http.Get(r.url + "/stream")
	require.NoError(t, err)
	as("two")
	eventually(t, "the second", func() bool {
		now := r.Snapshots()[0].Endpoints[0]
		return now.Endpoint != first && now.Eligible
	})
	second := r.Snapshots()[0].Endpoints[0].Endpoint
	require.EqualValues(t, 1, first.Load().InFlight())
	require.Zero(t, second.Load().InFlight())
	require.NoError(t, stream.Body.Close())
	eventually(t, "its end", func() bool { return app.InFlight(r.App) == 0 })
}

// What was found last is used at a start without the source.
func TestCache(t *testing.T) {
	a := backend(t, "a")
	folder := t.TempDir()
	file, cache := filepath.Join(folder, "list.json"), filepath.Join(folder, "cache.json")
	writeList(t, file, map[string]*httptest.Server{"a": a})
	r := run(t, found(t, fmt.Sprintf(", cache: %q", cache), file))
	eventually(t, "the list", func() bool { return eligible(r, "a") })
	eventually(t, "the cache", func() bool { _, err := os.Stat(cache); return err == nil })
	require.NoError(t, r.stop())
	require.NoError(t, os.Remove(file))
	r = run(t, found(t, fmt.Sprintf(", cache: %q", cache), file))
	eventually(t, "what was kept", func() bool { return eligible(r, "a") })
	require.Equal(t, "a", body(t, r.url))
}

// A start whose first list lacks most of what was kept goes on with what was kept, as a gateway does that was there all along.
func TestCacheIsWhatIsMissed(t *testing.T) {
	folder := t.TempDir()
	file, cache := filepath.Join(folder, "list.json"), filepath.Join(folder, "cache.json")
	all := map[string]*httptest.Server{}
	for _, name := range []string{"a", "b", "c", "d"} {
		all[name] = backend(t, name)
	}
	writeList(t, file, all)
	settings := fmt.Sprintf(", cache: %q, grace: 1h", cache)
	r := run(t, found(t, settings, file))
	eventually(t, "the cache", func() bool {
		text, err := os.ReadFile(cache)
		return err == nil && strings.Contains(string(text), all["d"].URL)
	})
	require.NoError(t, r.stop())
	writeList(t, file, map[string]*httptest.Server{"a": all["a"]})
	cfg := found(t, settings, file)
	cfg.Upstreams[0].Discovery.Interval = time.Hour // so that no second reading confirms the first
	r = run(t, cfg)
	eventually(t, "the list to be held", func() bool { return r.Events().Published(event.DiscoveryHeld) == 1 })
	require.Len(t, standing(r), 4)
}
