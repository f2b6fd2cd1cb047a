package e2e

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// change edits the file.
func (e *elastic) change(t *testing.T, edit func(string) string) {
	t.Helper()
	text, err := os.ReadFile(e.file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(e.file, []byte(edit(string(text))), 0o600))
}

func (e *elastic) switchScaling(t *testing.T, word string) {
	t.Helper()
	r, err := http.Post(e.admin+"/api/v1/autoscale/"+e.upstream+"/"+word, "application/json", nil)
	require.NoError(t, err)
	_ = r.Body.Close()
	require.Equal(t, http.StatusOK, r.StatusCode)
}

// await waits until a stream has begun.
func await(t *testing.T, begun <-chan struct{}, ended <-chan error) {
	t.Helper()
	select {
	case <-begun:
	case err := <-ended:
		require.Fail(t, "it ended before it began", "%v", err)
	case <-time.After(within):
		require.Fail(t, "it does not begin")
	}
}

// TestUpgradeWhileRequestsAreHeld: a request that waits in the old process for a first server gets the one that the new process
// starts, and a pause goes over to that.
func TestUpgradeWhileRequestsAreHeld(t *testing.T) {
	e := newElastic(t, "min: 0, max: 2, capacity: 50, slots: 8, hold: 2m", elasticServer("--capacity", "50", "--slots", "8"))
	e.change(t, func(s string) string {
		return strings.Replace(s, "outlier: off", "outlier: off\n    queue: {keepalive: 1s}", 1)
	})
	e.start(t)
	e.switchScaling(t, "pause")
	ended, begun := make(chan error, 1), make(chan struct{})
	go func() { ended <- e.stream(4, func() { close(begun) }) }()
	await(t, begun, ended) // by a comment
	old := e.upgrade(t)
	require.Contains(t, get(t, e.admin+"/api/v1/autoscale"), `"paused": "`)
	require.NotContains(t, get(t, e.admin+"/api/v1/autoscale"), `"paused": ""`)
	require.Empty(t, e.left())
	e.switchScaling(t, "resume")
	require.NoError(t, <-ended)
	require.NotZero(t, e.told(t, "server_started"), "by the new process")
	eventually(t, "the old one has ended", func() bool { return syscall.Kill(old, 0) != nil || zombie(old) })
	require.NoError(t, syscall.Kill(e.pid(), syscall.SIGTERM))
	e.nothingIsLeft(t)
}

// TestUpgradeWhileRemovedServersDrain: streams on servers whose scale a reload has taken away are not cut by an upgrade.
func TestUpgradeWhileRemovedServersDrain(t *testing.T) {
	e := newElastic(t, "min: 1, max: 1, capacity: 8, slots: 40", elasticServer("--capacity", "8", "--slots", "40"))
	e.start(t)
	eventually(t, "a server is ready", func() bool { return e.eligible(t) == 1 })
	ended, begun := make(chan error, 1), make(chan struct{})
	go func() { ended <- e.stream(64, func() { close(begun) }) }()
	await(t, begun, ended)
	line := regexp.MustCompile(`(?m)^    scale: .*$`)
	e.change(t, func(s string) string { return line.ReplaceAllString(s, `    endpoints: [{url: "http://127.0.0.1:1"}]`) })
	e.signal(t, syscall.SIGHUP)
	eventually(t, "the scale is gone", func() bool { return !strings.Contains(get(t, e.admin+"/api/v1/autoscale"), e.upstream) })
	old := e.upgrade(t)
	require.NoError(t, <-ended)
	eventually(t, "the old one has ended", func() bool { return syscall.Kill(old, 0) != nil || zombie(old) })
	e.nothingIsLeft(t)
	require.NoError(t, syscall.Kill(e.pid(), syscall.SIGTERM))
}
