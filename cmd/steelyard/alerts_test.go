package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// alertsSay runs steelyard alerts with these arguments.
func alertsSay(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := alertsCommand()
	c.SetOut(&out)
	c.SetErr(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	err := c.Execute()
	return out.String(), err
}

func TestAlertsCommands(t *testing.T) {
	folder := t.TempDir()
	config, recording := filepath.Join(folder, "c.yaml"), filepath.Join(folder, "recording.txt")
	require.NoError(t, os.WriteFile(config, []byte(`
alerts:
  slo: [{name: quick, objective: 0.95, good: {first_byte: 2s}}]
  rules: [{name: queue-long, on: upstream, metric: steelyard_queue_requests, above: 50, clear: 20, for: 1m}]
upstreams: [{name: chat, endpoints: [{url: "http://127.0.0.1:9001"}]}]
`), 0o600))
	list, err := alertsSay(t, "list", config)
	require.NoError(t, err)
	for _, want := range []string{"queue-long", "steelyard_queue_requests > 50", "no-endpoint", "quick-burn-1h", "queue-slow", "chat 15"} {
		assert.Contains(t, list, want)
	}
	rules, err := alertsSay(t, "export", "--config", config)
	require.NoError(t, err)
	assert.Contains(t, rules, `- alert: "queue-long"`)

	var pages strings.Builder
	for i, n := range []int{0, 60, 60, 60, 60, 60, 60, 60, 10} {
		fmt.Fprintf(&pages, "# at %d\nsteelyard_queue_requests{upstream=\"chat\"} %d\n", time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Unix()+int64(10*i), n)
	}
	require.NoError(t, os.WriteFile(recording, []byte(pages.String()), 0o600))
	said, err := alertsSay(t, "test", "queue-long", "-c", config, "--data", recording)
	require.NoError(t, err)
	var states []string
	for _, line := range strings.Split(strings.TrimSpace(said), "\n")[1:] {
		states = append(states, strings.Join(strings.Fields(line)[:3], " "))
	}
	assert.Equal(t, []string{
		"2026-03-02T09:00:00Z inactive chat", "2026-03-02T09:00:10Z pending chat", "2026-03-02T09:01:10Z firing chat", "2026-03-02T09:01:20Z inactive chat",
	}, states)
	said, err = alertsSay(t, "test", "panics", "--data", recording)
	require.NoError(t, err)
	assert.Contains(t, said, "no_data")
}

func TestAlertsCommandsRefuse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recording.txt")
	require.NoError(t, os.WriteFile(file, []byte("steelyard_x 1\n"), 0o600))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"test"}, "give the name of one rule"},
		{[]string{"test", "panics"}, "no recording: name one with --data FILE"},
		{[]string{"test", "panic", "--data", file}, `there is no rule "panic": did you mean "panics"?`},
		{[]string{"test", "panics", "--data", file}, "line 1: a page must begin with a line such as"},
		{[]string{"test", "panics", "--data", file + "x"}, "read the recording: open "},
		{[]string{"list"}, "no configuration: name a file"},
		{[]string{"export", file + ".yaml"}, "cannot be read"},
	} {
		_, err := alertsSay(t, c.args...)
		require.ErrorContains(t, err, c.want, c.args)
	}
}
