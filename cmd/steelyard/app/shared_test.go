package app_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
)

// What other gateways have in flight, and what is left of a process that this one has replaced, add up at the server, and neither
// overwrites the other. Others are told of what is ours, and of what was our predecessor's.
func TestElsewhereIsTheSumOfAll(t *testing.T) {
	h := newHolder(t)
	cfg := config(t, "", endpoint("h", h.URL, 100))
	r := run(t, cfg)
	u, err := url.Parse(h.URL)
	require.NoError(t, err)
	load := func() int64 { return r.Snapshots()[0].Endpoints[0].Endpoint.Load().InFlight() }
	app.HearGateways(r.App, map[string]int64{u.Host: 3}, 3)
	assert.EqualValues(t, 3, load())
	r.SetElsewhere(1, map[string]int64{u.Host: 2})
	assert.EqualValues(t, 5, load())
	app.HearGateways(r.App, map[string]int64{u.Host: 1}, 1)
	assert.EqualValues(t, 3, load())
	s := open(t, r)
	assert.EqualValues(t, 4, load())
	assert.Equal(t, map[string]int64{u.Host: 3}, app.ToldToGateways(r.App), "ours and our predecessor's")
	assert.EqualValues(t, 1, app.InFlight(r.App), "what others have is no drift of ours")
	r.SetElsewhere(0, map[string]int64{})
	assert.EqualValues(t, 2, load())
	_ = s
	h.release()
	require.NoError(t, r.stop())
}

// limits.requests is for all gateways together where that is asked for.
func TestLimitsAreShared(t *testing.T) {
	for _, shared := range []bool{false, true} {
		cfg := config(t, "", endpoint("a", backend(t, "a").URL, 100))
		cfg.Shared.Limits, cfg.Limits.Requests = shared, 5
		r := run(t, cfg)
		app.HearGateways(r.App, nil, 5)
		got, err := http.Get(r.url)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		assert.Equal(t, map[bool]int{false: 200, true: 503}[shared], got.StatusCode)
		require.NoError(t, r.stop())
	}
}
