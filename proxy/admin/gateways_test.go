package admin

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// several has two gateways share the servers.
func several(o *Options, _ *running) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	o.Gateways = func() Gateways {
		return Gateways{By: "redis://10.0.0.7:6379", Cluster: "blue", Reached: true, ReachedAt: &at, Count: 2, Publish: 0.2, Gateways: []Gateway{
			{Name: "gw-1", Self: true, Weight: 1, UnderWay: 3, InFlight: 2, Waiting: 1, Leads: []Leads{{Lease: "scale", Fence: 7}}},
			{Name: "gw-2", HeardSince: at, Age: 0.04, Weight: 1, Leads: []Leads{}},
		}}
	}
}

func TestGateways(t *testing.T) {
	got := start(t, several).do(http.MethodGet, "/api/v1/gateways", "")
	require.Equal(t, http.StatusOK, got.StatusCode)
	assert.Contains(t, string(got.body), `"name": "gw-2"`)
	got = start(t).do(http.MethodGet, "/api/v1/gateways", "")
	require.Equal(t, http.StatusNotFound, got.StatusCode)
	assert.Contains(t, string(got.body), "shared.redis")
}
