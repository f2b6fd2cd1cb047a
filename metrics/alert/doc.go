// Package alert notices what is wrong: it holds rules against the gateway's own instruments,
// every ten seconds, and says which of them fire.
//
//	store, err := alert.Open("/var/lib/steelyard/alerts.json")
//	engine := alert.New(alert.Options{Registry: registry, Subjects: fleet, Store: store})
//	engine.Configure(alert.Plan{Rules: rules, SLOs: objectives, Interval: 10 * time.Second})
//	engine.OnChange = func(a alert.Alert) { ... } // it fires, is over, or begins to flap
//	err = engine.Run(ctx)                         // or Step(now), by whatever clock
//
// A rule is evaluated for the gateway, or for each upstream or endpoint apart. What it finds
// there is an alert, in one of four states: inactive, pending (the condition holds, but not for
// long enough), firing, and no data. What has no data stays as it is: silence resolves nothing.
//
// Time is what Step is told. Durations count only time that was looked at, so that neither a
// missed evaluation nor a clock that jumps makes anything fire, or be over. ALERTS.md says what
// rules can be, and what happens when.
package alert
