package app

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/anomaly"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// TestFaultsAreEventsOnlyWhenEnforced: in shadow nobody is woken, and the end of a fault that nobody heard of is not told.
func TestFaultsAreEventsOnlyWhenEnforced(t *testing.T) {
	cfg := &configs.Config{Anomalies: configs.Anomalies{Enabled: true, SlowRatio: 1.5}}
	a := &App{events: event.NewLog(nil)}
	n := newAnomalies(a, cfg)
	n.adopt(cfg)
	f := anomaly.Fault{ID: "one", Symptom: anomaly.Slow, Cause: anomaly.OfEndpoint, Place: anomaly.Place{Upstream: "chat", Endpoint: "small"}, Since: time.Unix(1000, 0), Text: "slow"}
	n.told(f)
	cfg.Anomalies.Enforce = true
	n.adopt(cfg)
	over := f
	over.Until = time.Unix(2000, 0)
	n.told(over)
	events, _ := a.events.Since(0)
	require.Empty(t, events)

	f.ID, over.ID = "two", "two"
	n.told(f)
	n.told(over)
	events, _ = a.events.Since(0)
	require.Len(t, events, 2)
	assert.Equal(t, event.FaultFound, events[0].Kind)
	assert.Equal(t, "small", events[0].Endpoint)
	assert.Equal(t, event.FaultOver, events[1].Kind)
	assert.InDelta(t, 1000, events[1].Evidence["lasted_seconds"], 1e-9)
}

// TestForecastBeginsWithThePast: hours are shared out to their steps, and minutes stand where they were.
func TestForecastBeginsWithThePast(t *testing.T) {
	f := forecast.New(forecast.Options{})
	hour := time.Unix(3600*400_000, 0).UTC()
	give(f, "chat", hour, time.Hour, []usage.Span{{At: hour.Unix(), Requests: 7200, Retries: 3600, Work: 1800}})
	next := hour.Add(time.Hour)
	give(f, "chat", next, forecastStep, []usage.Span{
		{At: next.Unix(), Requests: 300}, {At: next.Add(time.Minute).Unix(), Requests: 300}, {At: next.Add(59 * time.Minute).Unix(), Requests: 600, Work: 600},
	})
	arrivals, work := f.Ahead("chat", forecast.Lead)
	assert.InDelta(t, 2, arrivals.P50, 1e-9, "the last five minutes")
	assert.InDelta(t, 2, work.P50, 1e-9)
	give(f, "chat", next.Add(time.Hour), time.Hour, []usage.Span{{At: next.Add(time.Hour).Unix(), Requests: 100, Errors: 90}})
	arrivals, _ = f.Ahead("chat", forecast.Lead)
	assert.False(t, math.IsNaN(arrivals.P50))
}
