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
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

// pager is a receiver of webhooks that remembers what it was told. A message that it sees again, as the one that was
// under way when the process was told to end, it forgets.
type pager struct {
	*httptest.Server
	mu         sync.Mutex      // guards what follows
	seen       map[string]bool // by webhook-id
	types      []string
	signatures []string
}

func newPager(t *testing.T) *pager {
	t.Helper()
	p := &pager{seen: map[string]bool{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var m struct{ Type string }
		_ = json.Unmarshal(text, &m)
		p.mu.Lock()
		defer p.mu.Unlock()
		id := r.Header.Get("Webhook-Id")
		if p.seen[id] {
			return
		}
		p.seen[id] = true
		p.types = append(p.types, m.Type)
		p.signatures = append(p.signatures, r.Header.Get("Webhook-Signature"))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pager) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.types...)
}

func (p *pager) signature(i int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.signatures[i]
}

// withWebhook is a configuration whose webhook leads to the pager; more is more of its keys.
func withWebhook(t *testing.T, p *pager, backend, more string) *configs.Config {
	t.Helper()
	return config(t, fmt.Sprintf("webhooks: [{name: pager, url: %q%s}]\n", p.URL+"/hook", more), endpoint("a", backend, 100))
}

// TestReceiversFollowTheConfiguration: what has changed in a key's file is used at a reload,
// a receiver that stays keeps what waits for it, and one that goes hears no more.
func TestReceiversFollowTheConfiguration(t *testing.T) {
	a, p := backend(t, "a"), newPager(t)
	keys := filepath.Join(t.TempDir(), "key")
	write := func(text string) { require.NoError(t, os.WriteFile(keys, []byte(text), 0o600)) }
	write("0123456789abcdef01234567\n")
	signed := fmt.Sprintf(", secret_file: %q, kinds: [reloaded, reload_refused]", keys)
	cfg := withWebhook(t, p, a.URL, signed)
	r := run(t, cfg)
	told := func(want ...string) {
		t.Helper()
		eventually(t, "the pager is told", func() bool { return len(p.told()) >= len(want) })
		assert.Equal(t, want, p.told())
	}

	// A receiver that ends tells again what it has no answer to yet.
	settled := func(n int) {
		t.Helper()
		eventually(t, "the answer is heard", func() bool {
			return line(t, r, `steelyard_webhook_messages_total{result="delivered",webhook="pager"}`) == fmt.Sprint(n)
		})
	}
	r.ReloadFailed(errors.New("line 3: no"))
	told("steelyard.reload_refused")
	settled(1)
	assert.Equal(t, []string{keys}, r.Files())

	require.NoError(t, r.Reload(cfg), "nothing has changed, which is news after a refusal")
	told("steelyard.reload_refused", "steelyard.reloaded")
	settled(2)
	write("another key of 24 bytes or more\nand a second one, of 24 or more\n")
	assert.True(t, r.FilesChanged())
	require.NoError(t, r.Reload(cfg))
	assert.False(t, r.FilesChanged())
	told("steelyard.reload_refused", "steelyard.reloaded", "steelyard.reloaded")
	assert.NotContains(t, p.signature(1), " ")
	assert.Contains(t, p.signature(2), " ", "a signature by each of the two keys")
	settled(1) // by the new receiver

	require.NoError(t, os.Remove(keys))
	require.ErrorContains(t, r.Reload(cfg), "webhook pager: read secret_file")
	told("steelyard.reload_refused", "steelyard.reloaded", "steelyard.reloaded", "steelyard.reload_refused")
	settled(2)

	require.NoError(t, r.Reload(config(t, "", endpoint("a", a.URL, 100))))
	r.ReloadFailed(errors.New("line 3: no"))
	require.NoError(t, r.stop())
	assert.Len(t, p.told(), 4, "one that has gone hears no more")
	assert.Empty(t, line(t, r, `steelyard_webhook_messages_waiting{webhook="pager"}`))
}

// TestTheLastEventsAreTold: the process ends, and what happened just before is still told.
func TestTheLastEventsAreTold(t *testing.T) {
	a, p := backend(t, "a"), newPager(t)
	r := run(t, withWebhook(t, p, a.URL, ", severity: warning"))
	for range 20 {
		r.ReloadFailed(errors.New("line 3: no"))
	}
	require.NoError(t, r.stop())
	assert.Len(t, p.told(), 20)
}

// TestEventsAreShown over the admin listener, from the app's own log.
func TestEventsAreShown(t *testing.T) {
	a := backend(t, "a")
	r := run(t, config(t, "", endpoint("a", a.URL, 100)))
	require.NoError(t, r.Reload(config(t, "", endpoint("a", a.URL, 50))))
	assert.Contains(t, body(t, r.admin+"/api/v1/events"), `"kind": "reloaded"`)
	assert.Equal(t, "1", line(t, r, `steelyard_events_total{kind="reloaded"}`))
	assert.Equal(t, "0", line(t, r, `steelyard_events_total{kind="ejected"}`))
}
