package app_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// TestReloadsDoNotKeepTheDeadInService reloads faster than the threshold is reached, and than
// the interval is: the endpoint that has died leaves all the same, and comes back.
func TestReloadsDoNotKeepTheDeadInService(t *testing.T) {
	a, dead := backend(t, "a"), mortal(t, "dead")
	n := 0
	next := func() *configs.Config { // something else each time, though of another endpoint
		n++
		cfg := config(t, "", endpoint("a", a.URL, float64(100+n)), endpoint("dead", dead.URL, 100))
		h := &cfg.Upstreams[0].Health
		h.Interval, h.UnhealthyThreshold, h.HealthyThreshold = 100*time.Millisecond, 3, 2
		if n%2 == 0 {
			h.Interval = 150 * time.Millisecond
		}
		return cfg
	}
	r := run(t, next())
	eventually(t, "the first round of probes", func() bool {
		return line(t, r, `steelyard_probes_total{endpoint="dead",result="up",upstream="chat"}`) != "0"
	})
	address := dead.Listener.Addr().String()
	dead.Close()
	eventually(t, "the dead one to leave", func() bool {
		require.NoError(t, r.Reload(next()))
		return !r.state(t, "dead").Eligible
	})
	serveAt(t, address, dead.Config.Handler)
	eventually(t, "it to come back", func() bool {
		require.NoError(t, r.Reload(next()))
		return r.state(t, "dead").Eligible
	})
}

// TestReconcile acts on the difference alone.
func TestReconcile(t *testing.T) {
	b := backend(t, "b")
	cfg := config(t, "", endpoint("a", b.URL, 100), "name: m, url: "+b.URL+", capacity: auto", endpoint("gone", b.URL, 100))
	r := run(t, cfg)
	list := cfg.Upstreams[0].Endpoints
	snapshot := r.Snapshots()[0]
	probers := app.Probers(r.App)

	d, err := app.Reconcile(r.App, "chat", list)
	require.NoError(t, err)
	assert.Equal(t, "3 kept, 0 changed, 0 new, 0 gone", d)
	for _, bad := range [][]configs.Endpoint{nil, {list[0], list[1], list[0]}} {
		_, err = app.Reconcile(r.App, "chat", bad)
		require.Error(t, err)
		assert.Equal(t, bad == nil, errors.Is(err, balancer.ErrNoEndpoints))
	}
	assert.Same(t, snapshot, r.Snapshots()[0], "nothing to do, nothing done")
	assert.Equal(t, probers, app.Probers(r.App))

	changed := []configs.Endpoint{list[1], list[0], list[0]}
	changed[1].Capacity.Value = 300
	changed[2].Name = "new"
	d, err = app.Reconcile(r.App, "chat", changed)
	require.NoError(t, err)
	assert.Equal(t, "1 kept, 1 changed, 1 new, 1 gone", d)
	after := r.Snapshots()[0]
	assert.Equal(t, snapshot.Version+1, after.Version, "one snapshot for all of it")
	assert.Same(t, snapshot.Endpoints[0].Endpoint, after.Endpoints[1].Endpoint)
	assert.Equal(t, 300.0, after.Endpoints[1].Base)
	assert.Same(t, snapshot.Endpoints[1].Endpoint, after.Endpoints[0].Endpoint)
	now := app.Probers(r.App)
	assert.Same(t, probers["a"], now["a"])
	assert.Same(t, probers["m"], now["m"])
	assert.NotContains(t, now, "gone")
	eventually(t, "the new one to be probed", func() bool {
		return line(t, r, `steelyard_probes_total{endpoint="new",result="up",upstream="chat"}`) != "0"
	})
	assert.NotContains(t, page(t, r), `endpoint="gone"`)

	d, err = app.Reconcile(r.App, "chat", []configs.Endpoint{changed[1], changed[0], changed[2]})
	require.NoError(t, err)
	assert.Equal(t, "3 kept, 0 changed, 0 new, 0 gone", d)
	assert.Equal(t, "a", r.Snapshots()[0].Endpoints[0].Endpoint.Name(), "another order is told")
}

// TestOtherConnectionsForgetNothing: an endpoint that is to be connected to otherwise gets
// other connections, and keeps its probe and what was measured of it.
func TestOtherConnectionsForgetNothing(t *testing.T) {
	b := backend(t, "b")
	cfg := learningConfig(t, t.TempDir(), b.URL, backend(t, "c").URL)
	r := run(t, cfg)
	for i, service := range []time.Duration{20 * time.Millisecond, 60 * time.Millisecond} {
		for range 100 {
			app.Meter(r.App, i).Finished(1, service, 1)
		}
	}
	app.Measure(r.App, time.Second)
	before, probers := r.Snapshots()[0].Endpoints[0], app.Probers(r.App)
	require.Greater(t, before.Capacity, 110.0)
	chat(t, r.url, 10)
	require.NoError(t, r.Reload(renamed(cfg, func(c *configs.Config) { c.Upstreams[0].Connections.MaxIdle++ })))
	after := r.Snapshots()[0].Endpoints[0]
	assert.NotSame(t, before.Endpoint, after.Endpoint)
	assert.InEpsilon(t, before.Capacity, after.Capacity, 0.02)
	assert.Equal(t, probers, app.Probers(r.App))
	chat(t, r.url, 10)
}
