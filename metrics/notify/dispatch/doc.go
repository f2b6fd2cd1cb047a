// Package dispatch decides who is told of which alert, when, and in how many messages. It sends nothing itself: how a
// message is told is a Channel's business (metrics/notify/channel).
//
//	d := dispatch.New(dispatch.Options{Alerts: engine.Alerts, Mutes: []string{"no-endpoint"}, Store: store, Events: log, Gateway: "gw1"})
//	d.SetReceivers([]dispatch.Receiver{{Name: "hook", Channel: webhook, Timing: dispatch.Usual}})
//	err := d.Run(ctx) // until ctx ends
//
// Alerts of one name and upstream are a group, and a group is one message: it waits a moment for others to join, is
// told, and is told again when something new has happened to it, but not more often than Interval, or when Repeat
// is over and it still fires. What is new is the difference between how the alerts are and what the receiver was told:
// so an alert that fires and resolves before it was told is told once, with both. An alert that is muted, by a silence
// or because its whole upstream is out, is not told; that one resolves that was told before is told even then.
//
// A message that a receiver does not take waits, in the outbox, at most one for each group: a newer state of the group
// takes its place. It is on disk before the first attempt, and its ID depends on nothing but what it says: whoever is
// told twice, after a crash or by two gateways, can see that.
//
// A receiver that mirrors (Alertmanager) is told the whole list of alerts each minute instead, and groups them itself.
//
// The state is moved by Step, and by settling what Deliver has tried; both take the time as an argument, so that weeks
// can be played in a test. Run calls them.
package dispatch
