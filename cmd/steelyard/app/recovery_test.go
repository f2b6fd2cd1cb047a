package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// withRecovery is a configuration whose endpoint a is down, with what is done for it.
func withRecovery(t *testing.T, recovery string) *configs.Config {
	t.Helper()
	b := backend(t, "b")
	cfg := config(t, "", endpoint("dead", nowhere, 100), endpoint("b", b.URL, 100))
	cfg.Upstreams[0].Health.Timeout = cfg.Upstreams[0].Health.Interval // the most that a file may have
	text, err := cfg.YAML()
	require.NoError(t, err)
	cfg, err = configs.Parse("test.yaml", []byte(strings.Replace(string(text), "    queue:", "    recovery: "+recovery+"\n    queue:", 1)), nil)
	require.NoError(t, err)
	return unhurried(cfg)
}

// TestAnEndpointThatStaysOutGetsItsCommand, and the event tells of it.
func TestAnEndpointThatStaysOutGetsItsCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	r := run(t, withRecovery(t, `{command: [sh, -c, 'echo $0 $RECOVERY_CONDITION >> `+file+`', "{upstream}/{endpoint}"], after: 1s, dry_run: false}`))
	eventually(t, "the command runs", func() bool {
		return line(t, r, `steelyard_events_total{kind="recovery"}`) == "1"
	})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "chat/dead probe failed\n", string(text))
	assert.Contains(t, body(t, r.admin+"/api/v1/events"), `"kind": "recovery"`)
}

// TestADryRunChangesWithAReload: what would be done is told, and a reload that takes recovery away
// ends it.
func TestADryRunChangesWithAReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	cfg := withRecovery(t, `{command: [touch, `+file+`], after: 1s, every: 1s}`)
	r := run(t, cfg)
	eventually(t, "it is told", func() bool {
		return r.Events().Published(event.WouldRecover) >= 2
	})
	assert.NoFileExists(t, file)
	other := *cfg
	other.Upstreams = append([]configs.Upstream{}, cfg.Upstreams...)
	other.Upstreams[0].Recovery = nil
	require.NoError(t, r.Reload(&other))
	assert.Equal(t, "0", line(t, r, `steelyard_events_total{kind="recovery"}`))
}

// TestAnActionEndsWithTheProgram: it does not hold up the end.
func TestAnActionEndsWithTheProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	r := run(t, withRecovery(t, `{command: [sh, -c, 'touch `+file+`; sleep 1000'], after: 1s, timeout: 1h, dry_run: false}`))
	eventually(t, "the command runs", func() bool {
		_, err := os.Stat(file)
		return err == nil
	})
	require.NoError(t, r.stop())
}
