package admin

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

const chatJSON = `{
	"name": "chat", "policy": "capacity", "note": "at 10 requests/s", "panicking": false, "spilled": false,
	"queue": {"waiting": 7, "oldest_seconds": 0.25, "drain_rate": 12.5},
	"endpoints": [
		{"name": "small", "url": "http://127.0.0.1:9001", "capacity": 100, "configured_capacity": 0, "capacity_auto": false, "effective_capacity": 100, "tier": 0, "standby": false, "comeback": "settled", "ramp": 1, "trial": 0, "slots": 4, "share": 1,
		 "in_flight": 3, "eligible": true, "busy": true, "unreachable": false, "cooling": false, "drained": false, "conditions": [], "connections": {"idle": 2, "active": 3},
		 "signal": {"engine": "vllm", "age_seconds": 0.5, "stale": false, "running": 7.5, "foreign_waiting": 0, "foreign_running": 2.5, "restarts": 1},
		 "resources": {"ratios": {"cpu": 0.5, "disk": 0.25}, "age_seconds": 50, "stale": true, "fullest_disk": "/models", "read_only": "/models", "oom_kills": 1,
		  "gpu_temperature_celsius": 71.5, "gpu_power_watts": 300, "gpu_xid_error": 79,
		  "sources": [{"url": "http://a:9100/metrics", "age_seconds": 50, "stale": true, "failure": "status 500"}]},
		 "cost": {"reading": 1, "reading_tokens": 900, "writing": 2, "context_tokens": 4000, "cached_blocks": 7, "read_tokens_rate": 9000}},
		{"name": "[::1]:9002/a b", "url": "http://[::1]:9002", "capacity": 200, "configured_capacity": 0, "capacity_auto": false, "effective_capacity": 200, "tier": 0, "standby": false, "comeback": "away", "ramp": 1, "trial": 0, "slots": 0, "share": 0,
		 "in_flight": 0, "eligible": false, "busy": false, "unreachable": true, "cooling": false, "drained": false,
		 "conditions": [{"name": "probe_failed", "reason": "connect: connection refused", "since": "2026-01-02T03:04:05Z"}],
		 "connections": {"idle": 0, "active": 0}}
	]}`

const embedJSON = `{
	"name": "embed/v2", "policy": "capacity", "panicking": false, "spilled": true, "fallback": "chat",
	"queue": {"waiting": 0, "oldest_seconds": 0, "drain_rate": 0},
	"endpoints": [
		{"name": "only", "url": "https://10.0.0.1:443", "capacity": 1.5, "configured_capacity": 0, "capacity_auto": false, "effective_capacity": 1.5, "tier": 1, "standby": true, "comeback": "on_trial", "ramp": 0.5, "trial": 2, "slots": 0, "share": 1,
		 "in_flight": 0, "eligible": true, "busy": false, "unreachable": false, "cooling": true, "drained": false, "conditions": [], "connections": {"idle": 0, "active": 0}}
	]}`

func TestUpstreams(t *testing.T) {
	s := start(t)
	got := s.do("GET", "/api/v1/upstreams", "")
	assert.Equal(t, 200, got.StatusCode)
	assert.JSONEq(t, `{"upstreams": [`+chatJSON+`,`+embedJSON+`]}`, string(got.body))

	got = s.do("GET", "/api/v1/upstreams/embed%2Fv2", "")
	assert.Equal(t, 200, got.StatusCode)
	assert.JSONEq(t, embedJSON, string(got.body))

	got = s.do("GET", "/api/v1/upstreams/Chat", "")
	assert.Equal(t, 404, got.StatusCode)
	assert.JSONEq(t, `{"error":{"message":"no upstream is named Chat","known":["chat","embed/v2"]}}`, string(got.body))
}

func TestNoUpstreamsIsAnEmptyList(t *testing.T) {
	s := start(t, func(_ *Options, s *running) { s.fleet.upstreams = nil })
	assert.JSONEq(t, `{"upstreams":[]}`, string(s.do("GET", "/api/v1/upstreams", "").body))
}

// TestNumberThatJSONLacks: half an answer with status 200 would be worse.
func TestNumberThatJSONLacks(t *testing.T) {
	s := start(t, func(_ *Options, s *running) { s.fleet.upstreams[0].Endpoints[0].ShareRatio = math.NaN() })
	got := s.do("GET", "/api/v1/upstreams", "")
	assert.Equal(t, 500, got.StatusCode)
	assert.JSONEq(t, `{"error":{"message":"write answer: json: unsupported value: NaN"}}`, string(got.body))
}
