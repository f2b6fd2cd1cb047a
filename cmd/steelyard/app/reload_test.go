package app_test

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// What a reload does not change goes on: the endpoint, what is in flight there,
// and its idle connections.
func TestReloadKeepsWhatStays(t *testing.T) {
	h, b := newHolder(t), backend(t, "b")
	r := run(t, config(t, "", endpoint("h", h.URL, 100)))
	require.Equal(t, "held", body(t, r.url))
	s := open(t, r)
	before := r.state(t, "h").Endpoint
	eventually(t, "the other connection to be idle", func() bool { return before.Load().InFlight() == 1 })

	require.NoError(t, r.Reload(config(t, "", endpoint("h", h.URL, 300), endpoint("b", b.URL, 100))))
	after := r.state(t, "h")
	assert.Same(t, before, after.Endpoint)
	assert.EqualValues(t, 1, after.Endpoint.Load().InFlight())
	assert.InDelta(t, 300, after.Capacity, 1e-9, "the new capacity counts at once")
	assert.Equal(t, balancer.Ramping, r.state(t, "b").Comeback, "a new server is cold")
	immediate := config(t, "", endpoint("h", h.URL, 300), endpoint("b", b.URL, 100))
	immediate.Upstreams[0].SlowStart = 0
	require.NoError(t, r.Reload(immediate))
	assert.InDelta(t, 0.75, r.state(t, "h").Share, 1e-9)

	h.release()
	rest, err := s.end()
	require.NoError(t, err)
	assert.Equal(t, "last\n", rest)
	eventually(t, "nothing in flight", func() bool { return before.Load().InFlight() == 0 })
}

// Reloads open no new connections to endpoints that stay. (The prober's own are
// counted too; it is asked for nothing here.)
func TestReloadKeepsIdleConnections(t *testing.T) {
	h := newHolder(t)
	cfg := func(capacity float64) *configs.Config {
		c := config(t, "", endpoint("h", h.URL, capacity))
		c.Upstreams[0].Health.Interval = time.Hour
		return c
	}
	r := run(t, cfg(1))
	require.Equal(t, "held", body(t, r.url))
	opened := func() string {
		return line(t, r, `steelyard_upstream_connections_opened_total{endpoint="h",upstream="chat"}`)
	}
	require.Equal(t, "1", opened())
	for i := range 5 {
		require.NoError(t, r.Reload(cfg(float64(i+2))))
		require.Equal(t, "held", body(t, r.url))
	}
	assert.Equal(t, "1", opened())
}

// A stream on an endpoint that leaves the configuration runs to its end, and
// counts to its end where the server is still known.
func TestRemovedEndpointFinishesItsStreams(t *testing.T) {
	h, b := newHolder(t), backend(t, "b")
	r := run(t, config(t, "", endpoint("h", h.URL, 100)))
	s := open(t, r)
	load := r.state(t, "h").Endpoint.Load()
	require.NoError(t, r.Reload(config(t, "", endpoint("b", b.URL, 100))))
	for range 5 {
		assert.Equal(t, "b", body(t, r.url))
	}
	assert.EqualValues(t, 1, load.InFlight())
	h.release()
	rest, err := s.end()
	require.NoError(t, err)
	assert.Equal(t, "last\n", rest)
	eventually(t, "nothing in flight", func() bool { return load.InFlight() == 0 })
	eventually(t, "its connections to be closed", func() bool { return !contains(page(t, r), `endpoint="h"`) })
}

// A server that returns under the same address still has what was in flight.
func TestReturningServerKeepsItsLoad(t *testing.T) {
	h, b := newHolder(t), backend(t, "b")
	r := run(t, config(t, "", endpoint("h", h.URL, 100), endpoint("b", b.URL, 1e-9)))
	s := open(t, r)
	require.EqualValues(t, 1, r.state(t, "h").Endpoint.Load().InFlight())
	require.NoError(t, r.Reload(config(t, "", endpoint("renamed", h.URL, 100))))
	assert.EqualValues(t, 1, r.state(t, "renamed").Endpoint.Load().InFlight(), "the same server under another name")
	h.release()
	_, err := s.end()
	require.NoError(t, err)
	eventually(t, "nothing in flight", func() bool { return r.state(t, "renamed").Endpoint.Load().InFlight() == 0 })
}

// What an operator and the probes have found out survives a reload.
func TestConditionsSurviveAReload(t *testing.T) {
	a, b := backend(t, "a"), backend(t, "b")
	endpoints := []string{endpoint("a", a.URL, 100), endpoint("b", b.URL, 100), endpoint("dead", nowhere, 100)}
	r := run(t, config(t, "", endpoints...))
	answer, err := http.Post(r.admin+"/api/v1/upstreams/chat/endpoints/a/drain", "", nil)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.NoError(t, r.Reload(config(t, "timeouts: {upgrade_idle: 1m}", append(endpoints, endpoint("c", b.URL, 1e-9))...)))
	assert.False(t, r.state(t, "a").Eligible)
	assert.False(t, r.state(t, "dead").Eligible)
	for range 10 {
		assert.NotEqual(t, "a", body(t, r.url))
	}
}

// Whatever is wrong, nothing has changed: same snapshots, same answers, and the
// failure shows where operators look.
func TestBadReloads(t *testing.T) {
	a := backend(t, "a")
	r := run(t, config(t, "", endpoint("a", a.URL, 100)))
	before := r.Snapshots()[0]
	for name, spoil := range map[string]func(*configs.Config){
		"policy": func(c *configs.Config) { c.Upstreams[0].Policy = "no-such-policy" },
		"CA file": func(c *configs.Config) {
			c.Upstreams[0].Endpoints[0].URL = "https://127.0.0.1:1"
			c.Upstreams[0].Endpoints[0].TLS = &configs.ClientTLS{CAFile: filepath.Join(t.TempDir(), "none.pem")}
		},
		"client certificate": func(c *configs.Config) {
			c.Upstreams[0].Endpoints[0].URL = "https://127.0.0.1:1"
			c.Upstreams[0].Endpoints[0].TLS = &configs.ClientTLS{CertFile: "/none.pem", KeyFile: "/none.key"}
		},
	} {
		bad := config(t, "", endpoint("a", a.URL, 7), endpoint("b", a.URL, 7))
		spoil(bad)
		err := r.Reload(bad)
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), "upstream chat", name)
		assert.Same(t, before, r.Snapshots()[0], name)
		assert.Equal(t, "a", body(t, r.url), name)
		assert.Equal(t, "0", line(t, r, "steelyard_config_last_reload_successful"), name)
	}
	assert.Equal(t, "3", line(t, r, `steelyard_config_reloads_total{result="failure"}`))
	r.ReloadFailed(assert.AnError)
	assert.Contains(t, body(t, r.admin+"/readyz"), assert.AnError.Error())

	require.NoError(t, r.Reload(config(t, "", endpoint("a", a.URL, 50))))
	assert.Equal(t, "1", line(t, r, "steelyard_config_last_reload_successful"), "a good one heals")
	assert.NotContains(t, body(t, r.admin+"/readyz"), assert.AnError.Error())
}

func TestReloadOfTheSame(t *testing.T) {
	a := backend(t, "a")
	cfg := config(t, "", endpoint("a", a.URL, 100))
	r := run(t, cfg)
	before := r.Snapshots()[0]
	require.NoError(t, r.Reload(config(t, "", endpoint("a", a.URL, 100))))
	assert.Same(t, before, r.Snapshots()[0])
	assert.Equal(t, "2", line(t, r, `steelyard_config_reloads_total{result="success"}`))
}

// Keys that only a start can change are named, and nothing else is.
func TestReloadNamesKeysThatNeedARestart(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	a := backend(t, "a")
	one, err := app.New(config(t, "", endpoint("a", a.URL, 100)), app.Options{Log: zap.New(core)})
	require.NoError(t, err)
	r := serveApp(t, one)
	keys := func() []any {
		entries := logged.FilterMessageSnippet("next start").TakeAll()
		if len(entries) == 0 {
			return nil
		}
		return entries[0].ContextMap()["keys"].([]any)
	}
	require.NoError(t, r.Reload(config(t, "", endpoint("a", a.URL, 200))))
	assert.Nil(t, keys())
	other := config(t, `
half_close: wait
log: {level: debug}
limits: {header_bytes: 4KiB, connections: 10, body_bytes: 1MiB}
timeouts: {header: 1s, body: 1s, idle_client: 1s, client_stall: 1s, upgrade_idle: 1s, shutdown: 1s}`, endpoint("a", a.URL, 200))
	other.Listen[0].Address = "127.0.0.1:1"
	other.Admin.Address = ""
	require.NoError(t, r.Reload(other))
	assert.ElementsMatch(t, []any{
		"listen", "admin", "log", "half_close", "limits.header_bytes", "limits.connections",
		"timeouts.header", "timeouts.body", "timeouts.idle_client", "timeouts.client_stall",
	}, keys())
}
