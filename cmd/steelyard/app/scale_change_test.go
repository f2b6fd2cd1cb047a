package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// TestAnotherActuatorIsHeard, though the one before it is ended at the same time, and what that one had is gone.
func TestAnotherActuatorIsHeard(t *testing.T) {
	cfg := scaledConfig(t, ", min: 1")
	r, s := runScaled(t, cfg, 1)
	eventually(t, "it serves", func() bool { return eligible(r, "chat-0") })
	next, err := configs.Parse("test.yaml", []byte(`
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
upstreams: [{name: chat, scale: {min: 1, max: 3, dry_run: false, actuator: {kind: docker, image: x, container_port: 80, socket: /nowhere.sock}}}]
`), nil)
	require.NoError(t, err)
	next.Listen, next.Admin = cfg.Listen, cfg.Admin
	require.NoError(t, r.Reload(next))
	eventually(t, "the one before is ended", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.closed
	})
	eventually(t, "its server is gone", func() bool { return len(standing(r)) == 0 })
	app.FoundByActuator(r.App, "chat", &autoscale.Count{Wanted: 1, Replicas: []autoscale.Replica{{Name: "chat-9", URL: backend(t, "chat-9").URL, Since: time.Now(), State: autoscale.Running}}})
	eventually(t, "what the new one has serves", func() bool { return eligible(r, "chat-9") })
}

// TestWithoutScalingNobodyLeaves: what was to be stopped is stopped by nobody any more, and gets requests again.
func TestWithoutScalingNobodyLeaves(t *testing.T) {
	cfg := scaledConfig(t, ", min: 1")
	cfg.Upstreams[0].Endpoints = []configs.Endpoint{{Name: "a", URL: backend(t, "a").URL, Capacity: configs.Capacity{Value: 1}}}
	r, _ := runScaled(t, cfg, 1)
	_, err := app.Depart(r.App, "chat", "a", true)
	require.NoError(t, err)
	assert.False(t, eligible(r, "a"))
	next := scaledConfig(t, ", min: 1")
	next.Upstreams[0].Endpoints, next.Upstreams[0].Scale = cfg.Upstreams[0].Endpoints, nil
	require.NoError(t, r.Reload(next))
	assert.True(t, eligible(r, "a"))
}

// TestToZeroAndBackIsNoOutage: nobody is told that requests are refused, as none is.
func TestToZeroAndBackIsNoOutage(t *testing.T) {
	cfg := scaledConfig(t, ", min: 0")
	r, s := runScaled(t, cfg, 1)
	eventually(t, "it serves", func() bool { return eligible(r, "chat-0") })
	next := scaledConfig(t, ", min: 0")
	next.Upstreams[0].Scale.ZeroAfter = 300 * time.Millisecond
	require.NoError(t, r.Reload(next))
	eventually(t, "it goes", func() bool { return len(s.asked()) == 1 && len(standing(r)) == 0 })
	assert.NotEmpty(t, body(t, r.url))
	assert.Zero(t, r.Events().Published(event.NoEndpoint))
}

func TestTokenTime(t *testing.T) {
	for name, c := range map[string]struct {
		row  usage.Row
		want time.Duration
	}{
		"usual":               {usage.Row{Stream: true, CompletionTokens: 11, FirstByte: time.Second, Response: 2 * time.Second, Service: 2 * time.Second}, 100 * time.Millisecond},
		"a client that waits": {usage.Row{Stream: true, CompletionTokens: 11, FirstByte: time.Second, Response: time.Minute, Service: 2 * time.Second}, 200 * time.Millisecond},
		"not told":            {usage.Row{Stream: true, FirstByte: time.Second, Response: 2 * time.Second, Service: 2 * time.Second}, 0},
		"few":                 {usage.Row{Stream: true, CompletionTokens: 7, FirstByte: time.Second, Response: 2 * time.Second, Service: 2 * time.Second}, 0},
		"no stream":           {usage.Row{CompletionTokens: 11, FirstByte: time.Second, Response: 2 * time.Second, Service: 2 * time.Second}, 0},
		"all at once":         {usage.Row{Stream: true, CompletionTokens: 11, FirstByte: time.Second, Response: time.Second, Service: 2 * time.Second}, 0},
	} {
		took, known := app.TokenTime(&c.row)
		assert.Equal(t, c.want, took, name)
		assert.Equal(t, c.want > 0, known, name)
	}
}
