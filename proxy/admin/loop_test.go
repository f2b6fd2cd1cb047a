package admin

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAlertsOnThePage: those that fire say that not all is well, once for each place; silenced ones and those that only inform do not.
func TestAlertsOnThePage(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var list []Alert
	s := start(t, func(o *Options, s *running) {
		s.fleet.upstreams[0].Endpoints[1].Conditions, s.fleet.upstreams[0].Endpoints[1].Unreachable, s.fleet.upstreams[1].Spilled = nil, false, false
		o.Alerts = func() Alerts { return Alerts{Alerts: list, Receivers: []Receiver{{Name: "ops", FailingSince: &since}}} }
	})
	see := func(a ...Alert) snapshot {
		list = a
		s.server.viewers.outdated()
		return theSnapshot(t, s)
	}
	shot := see()
	assert.Equal(t, well, shot.Verdict.Level)
	assert.Equal(t, "no alert fires, 1 receiver fails", shot.Stations[1].Now)
	assert.JSONEq(t, `{"alerts":[],"receivers":[{"name":"ops","kind":"","waiting":0,"last_error":"","failing_since":"2026-01-02T03:04:05Z"}]}`, string(shot.Sections["alerts"]))

	burn := Alert{Name: "burn", Severity: "page", State: "firing", Upstream: "chat", Since: since, Summary: "14 times too many errors"}
	shot = see(burn, Alert{Name: "p", Severity: "page", State: "pending"})
	assert.Equal(t, trouble, shot.Verdict.Level)
	assert.Equal(t, since, shot.Verdict.Since)
	assert.Equal(t, "14 times too many errors", shot.Verdict.Reasons[0].Text)
	assert.Equal(t, "1 alert fires, 1 pending, 1 receiver fails", shot.Stations[1].Now)

	silenced, info := burn, burn
	silenced.SilencedBy, info.Severity = "x", "info"
	assert.Equal(t, well, see(silenced, info).Verdict.Level)

	s.down(1)
	down := Alert{Name: "endpoint-down", Severity: "page", State: "firing", Upstream: "chat", Endpoint: "[::1]:9002/a b", Since: since}
	shot = see(down)
	require.Len(t, shot.Verdict.Reasons, 1, "one reason for one place")
	assert.Equal(t, trouble, shot.Verdict.Level)
	assert.Contains(t, shot.Verdict.Reasons[0].Text, "does not pass its probes")

	many := make([]Alert, 500)
	var told Alerts
	require.NoError(t, json.Unmarshal(see(many...).Sections["alerts"], &told))
	assert.Len(t, told.Alerts, mostAlerts)
}

// TestForecastOfThePage is the part of it that the page shows.
func TestForecastOfThePage(t *testing.T) {
	now := time.Now()
	var all Forecasts
	for _, series := range []string{"arrivals", "work"} {
		f := Forecast{Upstream: "chat", Series: series}
		for i := -12; i < 288; i++ {
			f.Points = append(f.Points, ForecastPoint{At: now.Add(time.Duration(i) * 5 * time.Minute)})
		}
		all.Upstreams = append(all.Upstreams, f)
	}
	shown := nextHour(all, now)
	require.Len(t, shown.Upstreams, 1)
	assert.Len(t, shown.Upstreams[0].Points, 12+15)
	assert.Len(t, all.Upstreams[0].Points, 300, "the other's is left as it is")
}
