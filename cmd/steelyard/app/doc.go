// Package app puts steelyard together: it translates a configuration into the
// plain options of the rooms, starts what runs for long, and replaces one
// generation by the next.
//
// What outlives a configuration lies in the fleet: upstreams by name, each with its pool, its
// members and what predicts the work of its requests. A member is one endpoint with all that
// is held for it: its name, its connections, its probe, what is measured of it, its instruments.
//
// A reload is done in two steps. prepare reads and checks all that a configuration asks for,
// and leaves no mark whether it fails or not: no series, no file moved, no endpoint told.
// adopt cannot fail. It gives each upstream its settings and reconciles its endpoints: those
// that are asked for as before are left alone, so that a probe's run of failures, connections
// and what was measured go on however often reloads come. Then one new generation is
// published; requests under way keep the one they began with.
//
//	a, err := app.New(cfg, app.Options{Log: log, Version: "1.0.0"})
//	err = a.Run(ctx) // until ctx ends; then drains
package app
