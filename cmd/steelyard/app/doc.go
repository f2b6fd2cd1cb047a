// Package app puts steelyard together: it translates a configuration into the
// plain options of the rooms, starts what runs for long, and replaces one
// generation by the next.
//
// What outlives a configuration lies in the fleet: a pool per upstream name, a
// target (connections, instruments) per endpoint, and what predicts the work of
// requests per predict.file, or per upstream name where that is not given. A reload changes them in
// place and publishes one new generation; requests under way keep the one they
// began with. Every error of a new configuration is found before anything is
// touched.
//
//	a, err := app.New(cfg, app.Options{Log: log, Version: "1.0.0"})
//	err = a.Run(ctx) // until ctx ends; then drains
package app
