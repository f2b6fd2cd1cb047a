// Package app puts steelyard together: it translates a configuration into the
// plain options of the rooms, starts what runs for long, and replaces one
// generation by the next.
//
// The fleet holds what outlives a configuration: upstreams by name, each with its pool, its
// members and the learner that predicts the work of its requests. A member is one endpoint and
// all that belongs to it: its name, connections, probe, measurements and instruments.
//
// Endpoints that the configuration does not list are found by sources (package balancer/discovery), or are servers that an
// actuator runs (package metrics/autoscale). A finder believes one of these. Then merge.go joins what all name: fixed ones
// first, then those found, then those that leave and still have requests. A change of any goes through reconcile, as a reload does, and a reload keeps what was found.
//
// A reload has two steps. prepare reads and checks all that a configuration asks for, and has
// no other effect, whether it fails or not: no series, no file moved, no endpoint told. adopt
// cannot fail. It gives each upstream its settings and reconciles its endpoints. Those that
// have not changed are left alone, so that a probe's run of failures, connections and
// measurements go on however often reloads come. Then one new generation is published;
// requests under way keep the one they began with.
//
// One process can take over from another (handover.go). The new one gets the old one's sockets as
// Options.Given, and what the old one still has in flight counts at its servers (balancer.Loads).
//
//	a, err := app.New(cfg, app.Options{Log: log, Version: "1.0.0"})
//	err = a.Run(ctx) // until ctx ends; then drains
package app
