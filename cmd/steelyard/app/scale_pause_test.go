package app_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
)

func posted(t *testing.T, url, body string) {
	t.Helper()
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	_ = answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

// TestAPauseOutlivesTheProcess, and so does its end.
func TestAPauseOutlivesTheProcess(t *testing.T) {
	cfg := scaledConfig(t, ", min: 2")
	cfg.Alerts.StateFile = filepath.Join(t.TempDir(), "state.json")
	cfg.Upstreams[0].Scale.Min = 1
	first, s := runScaled(t, cfg, 1)
	posted(t, first.admin+"/api/v1/autoscale/chat/pause", `{"reason": "racks move"}`)
	require.NoError(t, first.stop())
	assert.Empty(t, s.asked())

	cfg.Upstreams[0].Scale.Min = 2
	second, s := runScaled(t, cfg, 1)
	eventually(t, "two are wanted", func() bool { return strings.Contains(body(t, second.admin+"/api/v1/autoscale"), `"wanted": 2`) })
	assert.Contains(t, body(t, second.admin+"/api/v1/autoscale"), `"paused": "racks move"`)
	assert.Equal(t, map[string]string{"chat": "racks move"}, second.Paused())
	assert.Empty(t, s.asked())
	require.NoError(t, second.Reload(config(t, "", endpoint("other", backend(t, "other").URL, 100))))
	require.NoError(t, second.Reload(cfg))
	assert.Contains(t, body(t, second.admin+"/api/v1/autoscale"), `"paused": "racks move"`, "it was away, and is back")
	posted(t, second.admin+"/api/v1/autoscale/chat/resume", "")
	require.NoError(t, second.stop())

	third, s := runScaled(t, cfg, 1)
	eventually(t, "it goes on", func() bool { return len(s.asked()) == 1 })
	assert.Empty(t, third.Paused())
}

// TestAPauseIsTakenOver from a process that this one replaces.
func TestAPauseIsTakenOver(t *testing.T) {
	a, err := app.New(scaledConfig(t, ", min: 2"), app.Options{})
	require.NoError(t, err)
	s := &stable{t: t}
	app.Actuate(a, "chat", s)
	a.Pause("chat", "racks move")
	a.Pause("nobody", "is away")
	r := serveApp(t, a)
	eventually(t, "two are wanted", func() bool { return strings.Contains(body(t, r.admin+"/api/v1/autoscale"), `"wanted": 2`) })
	assert.Empty(t, s.asked())
	posted(t, r.admin+"/api/v1/autoscale/chat/resume", "")
	eventually(t, "it goes on", func() bool { return len(s.asked()) == 1 })
}
