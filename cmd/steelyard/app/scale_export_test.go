package app

import (
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// Actuate has somebody else run the servers of an upstream. Call it before Run.
func Actuate(a *App, upstream string, by autoscale.Actuator) {
	a.fleet.mu.Lock()
	defer a.fleet.mu.Unlock()
	find(a.fleet.upstreams, upstream).scaling.actuator = by
}

// ScaleFigure is what autoscalers of others are told.
func ScaleFigure(a *App, upstream string) (need float64, active, known bool, why string, found bool) {
	return a.scaleFigure(upstream)
}

// ScaledUpstreams are those that are scaled.
func ScaledUpstreams(a *App) []string { return a.scaledUpstreams() }

// FoundByActuator is what an actuator says of its servers.
func FoundByActuator(a *App, upstream string, c *autoscale.Count) {
	a.fleet.mu.Lock()
	s := find(a.fleet.upstreams, upstream).scaling
	a.fleet.mu.Unlock()
	s.found(c)
}

// TokenTime is how long a token of a stream took.
func TokenTime(r *usage.Row) (time.Duration, bool) { return tokenTime(r) }
