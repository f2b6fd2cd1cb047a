package admin

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestReadiness(t *testing.T) {
	failed := Reload{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Error: "a.yaml:3: listen: taken"}
	embedDown := func(f *fakeFleet) {
		e := &f.upstreams[1].Endpoints[0]
		e.Eligible, e.Conditions = false, []Condition{{Name: ProbeFailed}, {Name: Draining}}
	}
	for _, c := range []struct {
		name, query string
		ready       Readiness
		fleet       func(*fakeFleet)
		status      int
		body        string
	}{
		{name: "ready", status: 200, body: `{"ready":true,"reasons":[]}`},
		{
			name: "a failed reload is told and leaves it ready", ready: Readiness{LastReload: failed}, status: 200,
			body: `{"ready":true,"reasons":[],"last_reload":{"at":"2026-01-02T03:04:05Z","error":"a.yaml:3: listen: taken"}}`,
		},
		{
			name: "shutting down", ready: Readiness{NotReady: []string{"shutting down"}}, status: 503,
			body: `{"ready":false,"reasons":["shutting down"]}`,
		},
		{name: "upstreams are not asked by default", fleet: embedDown, status: 200, body: `{"ready":true,"reasons":[]}`},
		{name: "nor with 0", query: "?upstreams=0", fleet: embedDown, status: 200, body: `{"ready":true,"reasons":[]}`},
		{name: "upstreams are well", query: "?upstreams=1", status: 200, body: `{"ready":true,"reasons":[]}`},
		{
			name: "an upstream is down", query: "?upstreams=1", fleet: embedDown, status: 503,
			body: `{"ready":false,"reasons":["upstream embed/v2: none of its endpoints is eligible (1 draining, 1 probe_failed of 1)"]}`,
		},
		{
			name: "the bare name means yes, and reasons add up", query: "?upstreams", status: 503,
			ready: Readiness{NotReady: []string{"shutting down"}},
			fleet: func(f *fakeFleet) { f.upstreams = []Upstream{{Name: "chat"}} },
			body:  `{"ready":false,"reasons":["shutting down","upstream chat: has no endpoints"]}`,
		},
		{
			name: "neither yes nor no", query: "?upstreams=maybe", status: 400,
			body: `{"error":{"message":"query parameter upstreams: must be 1 or 0, is \"maybe\""}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, func(_ *Options, s *running) {
				s.ready = c.ready
				if c.fleet != nil {
					c.fleet(s.fleet)
				}
			})
			got := s.do("GET", "/readyz"+c.query, "")
			assert.Equal(t, c.status, got.StatusCode)
			assert.JSONEq(t, c.body, string(got.body))
		})
	}
}

// TestHealthIsNotReadiness: a supervisor must not kill what is finishing its
// streams.
func TestHealthIsNotReadiness(t *testing.T) {
	s := start(t, func(_ *Options, s *running) { s.ready.NotReady = []string{"shutting down"} })
	got := s.do("GET", "/healthz", "")
	assert.Equal(t, 200, got.StatusCode)
	assert.JSONEq(t, fmt.Sprintf(`{"status":"ok","pid":%d}`, os.Getpid()), string(got.body))
}
