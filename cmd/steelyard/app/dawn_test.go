package app_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// After an outage of all, whoever is back first does not carry the load of all until the others are
// probed in their turn, or their ejections are over.
func TestAllAreBackWithTheFirst(t *testing.T) {
	var ill atomic.Bool
	ill.Store(true)
	server := func(name string, healthy bool) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ill.Load() && (r.URL.Path != "/health" || !healthy) {
				w.WriteHeader(http.StatusInternalServerError)
			}
			_, _ = io.WriteString(w, name)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	cfg := config(t, "", // two of which only traffic knows, and two of which the probe does
		endpoint("a", server("a", true), 100), endpoint("b", server("b", true), 100),
		endpoint("c", server("c", false), 100), endpoint("d", server("d", false), 100))
	u := &cfg.Upstreams[0]
	u.Health.Path, u.Health.Interval, u.Health.HealthyThreshold, u.Health.UnhealthyThreshold = "/health", time.Hour, 3, 1
	u.Outlier.EjectTime, u.Outlier.MaxEjectTime = time.Hour, time.Hour
	u.Retry.Attempts = 1
	r := run(t, cfg)
	eventually(t, "a and b to be ejected", func() bool {
		body(t, r.url)
		return contains(r.state(t, "a").Conditions.String(), "ejected") && contains(r.state(t, "b").Conditions.String(), "ejected")
	})
	ill.Store(false)
	for _, name := range []string{"a", "b", "c", "d"} {
		eventually(t, name+" to be back", func() bool {
			body(t, r.url)
			s := r.state(t, name)
			return s.Eligible && s.Conditions == 0
		})
	}
}
