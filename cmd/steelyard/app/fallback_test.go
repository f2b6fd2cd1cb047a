package app_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// A backup serves while the first tier is out, and the fallback while all are; a reload changes both.
func TestBackupAndFallback(t *testing.T) {
	a, b, far := backend(t, "a"), backend(t, "b"), backend(t, "far")
	cfg := func() *configs.Config {
		c := config(t, "", endpoint("a", a.URL, 100), endpoint("b", b.URL, 100))
		c.Upstreams[0].Endpoints[1].Tier = 1
		other := c.Upstreams[0]
		other.Name, other.Endpoints = "other", config(t, "", endpoint("far", far.URL, 100)).Upstreams[0].Endpoints
		c.Upstreams = append(c.Upstreams, other)
		c.Upstreams[0].Fallback = "other"
		return c
	}
	r := run(t, cfg())
	out := func(name string, on bool) {
		_, err := app.DrainEndpoint(r.App, "chat", name, on)
		require.NoError(t, err)
	}
	require.Equal(t, "a", body(t, r.url))
	assert.True(t, r.state(t, "b").Standby)
	out("a", true)
	require.Equal(t, "b", body(t, r.url))
	out("b", true)
	require.Equal(t, "far", body(t, r.url))

	next := cfg()
	next.Upstreams[0].Fallback, next.Upstreams[0].Endpoints[1].Tier = "", 0
	require.NoError(t, r.Reload(next))
	out("a", false)
	out("b", false)
	require.True(t, r.state(t, "b").Eligible)
}
