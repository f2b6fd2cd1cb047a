package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// twoServers is a configuration of two servers, the second of so much capacity, whose state is kept in a folder.
func twoServers(dir string, capacity float64) *configs.Config {
	cfg := &configs.Config{Anomalies: configs.Anomalies{Enabled: true, SlowRatio: 1.5}}
	cfg.Alerts.StateFile = filepath.Join(dir, "alerts.json")
	cfg.Upstreams = []configs.Upstream{{Name: "chat", Endpoints: []configs.Endpoint{
		{Name: "gpu1", URL: "http://127.0.0.1:1", Capacity: configs.Capacity{Value: 4}},
		{Name: "gpu2", URL: "http://127.0.0.1:2", Capacity: configs.Capacity{Value: capacity}},
	}}}
	return cfg
}

// looking makes what looks for faults, as a process does.
func looking(cfg *configs.Config) *anomalies {
	n := newAnomalies(&App{events: event.NewLog(nil), log: zap.NewNop()}, cfg)
	n.adopt(cfg)
	return n
}

// learnedMinutes is for how long each server's own measure has been learned.
func learnedMinutes(t *testing.T, n *anomalies) map[string]float64 {
	text, err := n.detector.State()
	require.NoError(t, err)
	var s struct {
		Upstreams map[string]struct {
			Endpoints map[string]struct{ Minutes float64 }
		}
	}
	require.NoError(t, json.Unmarshal(text, &s))
	all := map[string]float64{}
	for name, e := range s.Upstreams["chat"].Endpoints {
		all[name] = e.Minutes
	}
	return all
}

// teach shows a detector two minutes of requests.
func teach(n *anomalies) {
	now := time.Now().Add(-2 * time.Minute)
	for look := range 12 {
		for i := range 40 {
			n.detector.Add(&usage.Row{
				At: now, Upstream: "chat", Endpoint: fmt.Sprint("gpu", 1+i%2), Status: 200, Capacity: 4, Slots: 8, Service: time.Duration(1+look+i) * time.Millisecond,
			})
		}
		now = now.Add(10 * time.Second)
		n.detector.Step(now)
	}
}

// TestWhatIsNormalIsKept over a restart, but of servers that are others by then.
func TestWhatIsNormalIsKept(t *testing.T) {
	dir := t.TempDir()
	n := looking(twoServers(dir, 4))
	teach(n)
	was := learnedMinutes(t, n)
	require.Positive(t, was["gpu2"])
	n.save()
	assert.Equal(t, was, learnedMinutes(t, looking(twoServers(dir, 4))))
	changed := learnedMinutes(t, looking(twoServers(dir, 8)))
	assert.Equal(t, was["gpu1"], changed["gpu1"])
	assert.Zero(t, changed["gpu2"])
}

// TestDamagedNormalsAreMovedAside, as is a file of another version.
func TestDamagedNormalsAreMovedAside(t *testing.T) {
	without := fmt.Sprintf(`{"steelyard":"faults 1","learned":{"At":%q,"Upstreams":{"chat":{"Measures":{"Models":null}}}}}`, time.Now().Format(time.RFC3339))
	for _, text := range []string{"", "{", `{"steelyard":"faults 0","learned":{}}`, without} {
		dir := t.TempDir()
		path := filepath.Join(dir, "alerts.json"+faultsFile)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		n := looking(twoServers(dir, 4))
		aside, err := os.ReadFile(path + ".damaged-1")
		require.NoError(t, err, text)
		assert.Equal(t, text, string(aside))
		teach(n)
		n.save()
		assert.NotEmpty(t, learnedMinutes(t, looking(twoServers(dir, 4))))
	}
}

// TestNormalsOfAnotherProcessAreLeft: whoever has taken over writes them now.
func TestNormalsOfAnotherProcessAreLeft(t *testing.T) {
	dir := t.TempDir()
	n := looking(twoServers(dir, 4))
	n.own(false) // writes them once more
	path := filepath.Join(dir, "alerts.json"+faultsFile)
	require.FileExists(t, path)
	require.NoError(t, os.Remove(path))
	n.save()
	assert.NoFileExists(t, path)
	n.own(true)
	n.save()
	assert.FileExists(t, path)
}

// TestWear: parts are told of what ended since the last look, if that is enough and the counters go on.
func TestWear(t *testing.T) {
	of := wornKey{"chat", "gpu1"}
	was := metrics.Wear{Answers: 1000, Truncated: 10, Reused: 500, Stale: 5}
	list := wearGauges(of, was, metrics.Wear{Answers: 1200, Truncated: 12, Reused: 600, Stale: 30})
	require.Len(t, list, 2)
	assert.InDelta(t, 0.01, list[0].Value, 1e-9)
	assert.InDelta(t, 0.25, list[1].Value, 1e-9)
	assert.Len(t, wearGauges(of, was, metrics.Wear{Answers: 1200, Truncated: 12, Reused: 510, Stale: 5}), 1, "too few connections")
	assert.Empty(t, wearGauges(of, was, metrics.Wear{Answers: 100, Truncated: 1, Reused: 60}), "they began anew")
}
