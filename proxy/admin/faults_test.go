package admin

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// anomalies is one fault of each kind, and a trend.
type anomalies struct{ accepted []string }

func (a *anomalies) Faults() Faults {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	return Faults{
		Faults: []Fault{
			{ID: "one", Kind: "slow", Cause: "endpoint", Place: FaultPlace{Upstream: "chat", Endpoint: "small"}, Since: now, Found: now, Ratio: 2, Share: 1,
				Parts: []FaultPart{{"small", 1.1, 0.3}}, Text: "t", WhatToDo: "w", Evidence: map[string]any{"judge": "peers"}, Shadow: true},
			{ID: "old", Kind: "errors", Cause: "network", Place: FaultPlace{Upstream: "chat", Phase: "connect"}, Since: now, Found: now, Until: &now, Parts: []FaultPart{}, Evidence: map[string]any{}},
		},
		Trends: []Trend{{Place: FaultPlace{Upstream: "chat"}, Quantity: "q", Since: now, Now: 1, Limit: 2, Earliest: now, Latest: &now, Text: "t"}},
	}
}

func (a *anomalies) Normal(id string) bool {
	a.accepted = append(a.accepted, id)
	return id == "one"
}

func odd(o *Options, _ *running) { o.Anomalies = &anomalies{} }

func foretold(o *Options, _ *running) {
	o.Forecast = func() Forecasts {
		mase := 0.7
		return Forecasts{Upstreams: []Forecast{{
			Upstream: "chat", Series: "arrivals", Method: "last value", StepSeconds: 300, Mase: &mase, Coverage: &mase,
			Points: []ForecastPoint{{time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), 1, 2, 3}}, Peaks: []string{"weekdays 9:00 to 12:00, 3 times the median"},
		}}}
	}
}

// TestNormalNamesWhatGoesOn: only faults that go on can be taken for normal.
func TestNormalNamesWhatGoesOn(t *testing.T) {
	s := start(t, odd)
	got := s.do("POST", "/api/v1/faults/old/normal", "")
	assert.Equal(t, 404, got.StatusCode)
	assert.Contains(t, string(got.body), `"one"`)
	assert.NotContains(t, string(got.body), `"old",`)
}
