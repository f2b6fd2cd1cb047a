package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

// alertHook is a receiver of alerts.
type alertHook struct {
	*httptest.Server
	mu         sync.Mutex // guards what follows
	told       []string   // "status name endpoint", of each message its first alert
	signatures []string
	seen       map[string]bool // by webhook-id
}

func newAlertHook(t *testing.T) *alertHook {
	t.Helper()
	h := &alertHook{seen: map[string]bool{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var m struct {
			Alerts []struct {
				Status string
				Labels map[string]string
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if id := r.Header.Get("Webhook-Id"); json.Unmarshal(text, &m) != nil || len(m.Alerts) == 0 || h.seen[id] {
			return
		} else {
			h.seen[id] = true
		}
		a := m.Alerts[0]
		h.told = append(h.told, strings.TrimSpace(fmt.Sprint(a.Status, " ", a.Labels["alertname"], " ", a.Labels["endpoint"])))
		h.signatures = append(h.signatures, r.Header.Get("Webhook-Signature"))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *alertHook) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.told...)
}

// watching is a configuration with one rule, which fires for each endpoint that is not eligible, and a receiver; more is of
// the receiver.
func watching(t *testing.T, file string, hook *alertHook, more string, endpoints ...string) *configs.Config {
	t.Helper()
	return config(t, fmt.Sprintf(`alerts: {interval: 1s, defaults: false, state_file: %q, rules: [
  {name: down, severity: page, on: endpoint, metric: steelyard_endpoint_eligible, fn: value, below: 1, for: 0s, drained: true}]}
notify: [{name: hook, kind: webhook, url: %q, group_wait: 1s, interval: 1s%s}]
`, file, hook.URL+"/secret-path", more), endpoints...)
}

// TestReceiversOfAlertsFollowTheConfiguration: an alert is told, silenced, told again with another key after a reload, and over;
// while another process owns the files nobody is told.
func TestReceiversOfAlertsFollowTheConfiguration(t *testing.T) {
	a, b, hook := backend(t, "a"), backend(t, "b"), newAlertHook(t)
	folder := t.TempDir()
	keys, file := filepath.Join(folder, "key"), filepath.Join(folder, "alerts.json")
	write := func(text string) { require.NoError(t, os.WriteFile(keys, []byte(text), 0o600)) }
	write("0123456789abcdef01234567\n")
	cfg := watching(t, file, hook, fmt.Sprintf(", secret_file: %q", keys), endpoint("a", a.URL, 100), endpoint("b", b.URL, 100))
	r := run(t, cfg)
	told := func(want ...string) {
		t.Helper()
		eventually(t, "the hook is told", func() bool { return len(hook.all()) >= len(want) })
		require.Equal(t, want, hook.all())
	}
	drain := func(name, action string) {
		t.Helper()
		reply, err := http.Post(r.admin+"/api/v1/upstreams/chat/endpoints/"+name+"/"+action, "", nil)
		require.NoError(t, err)
		require.NoError(t, reply.Body.Close())
		require.Equal(t, 200, reply.StatusCode)
	}
	drain("a", "drain")
	told("firing down a")
	eventually(t, "it is known to be told", func() bool {
		return line(t, r, `steelyard_notify_messages_total{receiver="hook",result="delivered"}`) == "1"
	})
	shown := body(t, r.admin+"/api/v1/alerts")
	assert.Contains(t, shown, `"name": "hook"`)
	assert.NotContains(t, shown, "secret-path")
	assert.Contains(t, r.Files(), keys)

	write("another key of 24 bytes or more\nand a second one, of 24 or more\n")
	assert.True(t, r.FilesChanged())
	require.NoError(t, r.Reload(cfg))
	assert.False(t, r.FilesChanged())
	r.OwnFiles(false)
	drain("a", "undrain")
	eventually(t, "it is over", func() bool { return !strings.Contains(body(t, r.admin+"/api/v1/alerts"), `"state": "firing"`) })
	assert.Len(t, hook.all(), 1)
	r.OwnFiles(true)
	told("firing down a", "resolved down a")
	assert.Contains(t, hook.signatures[1], " ", "a signature by each of the two keys")

	require.NoError(t, os.Remove(keys))
	require.ErrorContains(t, r.Reload(cfg), "receiver of alerts hook: read secret_file")
	require.NoError(t, r.stop())
}

// TestSilencesAreAskedForOverTheAdminListener, and outlive the process.
func TestSilencesAreAskedForOverTheAdminListener(t *testing.T) {
	a, b, hook := backend(t, "a"), backend(t, "b"), newAlertHook(t)
	file := filepath.Join(t.TempDir(), "alerts.json")
	cfg := watching(t, file, hook, "", endpoint("a", a.URL, 100), endpoint("b", b.URL, 100))
	r := run(t, cfg)
	reply, err := http.Post(r.admin+"/api/v1/silences", "", strings.NewReader(`{"matchers": [{"name": "nothing", "value": ".*", "regex": true}], "for": "2h"}`))
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	require.Equal(t, 400, reply.StatusCode)
	reply, err = http.Post(r.admin+"/api/v1/silences", "", strings.NewReader(`{"matchers": [{"name": "endpoint", "value": "a"}], "author": "ann", "for": "2h"}`))
	require.NoError(t, err)
	var made struct{ ID string }
	require.NoError(t, json.NewDecoder(reply.Body).Decode(&made))
	require.NoError(t, reply.Body.Close())
	require.Equal(t, 201, reply.StatusCode)
	assert.Contains(t, body(t, r.admin+"/api/v1/events"), `"kind": "silenced"`)
	require.NoError(t, r.stop())

	r = run(t, cfg)
	assert.Contains(t, body(t, r.admin+"/api/v1/silences"), made.ID)
	for _, name := range []string{"a", "b"} {
		reply, err = http.Post(r.admin+"/api/v1/upstreams/chat/endpoints/"+name+"/drain", "", nil)
		require.NoError(t, err)
		require.NoError(t, reply.Body.Close())
	}
	eventually(t, "the other is told", func() bool { return len(hook.all()) > 0 })
	assert.Equal(t, []string{"firing down b"}, hook.all())
	assert.Contains(t, body(t, r.admin+"/api/v1/alerts"), `"silenced_by": "`+made.ID+`"`)
	request, err := http.NewRequest(http.MethodDelete, r.admin+"/api/v1/silences/"+made.ID, nil)
	require.NoError(t, err)
	reply, err = http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	require.Equal(t, 204, reply.StatusCode)
	eventually(t, "it is told now", func() bool { return len(hook.all()) > 1 })
	assert.Equal(t, "firing down a", hook.all()[1])
	require.NoError(t, r.stop())
}
