package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSDKsWait: the official SDKs read a stream whose comments came before its answer, and raise what is told by an event.
func TestSDKsWait(t *testing.T) {
	folder := nodeFolder(t, "waiting.mjs", "openai@6", "@anthropic-ai/sdk@1")
	e := newElastic(t, "min: 0, max: 1, capacity: 50, slots: 8, hold: 1m", elasticServer("--capacity", "50", "--slots", "8", "--load", "3s"))
	e.change(t, func(s string) string {
		s = strings.Replace(s, "upstreams:", `routes: [{path: /never/, upstream: never}, {upstream: `+e.upstream+`}]
upstreams:
  - {name: never, queue: {keepalive: 1s, max_wait: 3s}, scale: {min: 0, max: 1, slots: 8, hold: 3s, dry_run: false, actuator: {kind: command, command: ["true"]}}}`, 1)
		return strings.Replace(s, "outlier: off", "outlier: off\n    queue: {keepalive: 1s}", 1)
	})
	e.start(t)
	run := exec.Command("node", "waiting.mjs", e.url)
	run.Dir = folder
	said, err := run.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Contains(t, get(t, e.admin+"/metrics"), `steelyard_queue_streams_begun_total{upstream="`+e.upstream+`"} 1`)
	require.Contains(t, get(t, e.admin+"/metrics"), `steelyard_queue_streams_begun_total{upstream="never"} 2`)
	e.signal(t, syscall.SIGTERM)
	require.Zero(t, e.exits(t))
	e.nothingIsLeft(t)
}
