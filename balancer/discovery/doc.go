// Package discovery has what a source of endpoints says, and the care with which it is believed.
// DISCOVERY.md says what users see of it.
//
// A Source looks where endpoints are named: a file, a URL, the Kubernetes API. Each kind is a package of
// its own below this one, which knows only this one: it has New with plain options, and Run. It tells its
// Sink whole Lists, never differences, each time it has looked, even if nothing is new; or that it Failed.
// Then it looks again, after a Backoff. It never ends before its context does.
//
// Check finds what is wrong in a list, endpoint by endpoint, with its place and the remedy.
//
// A Damper stands between a source and the fleet. What a source adds is taken at once, but what it drops
// waits, if it is much: a source that is broken looks like one whose endpoints have all gone. The rules are
// pure arithmetic over lists and moments.
//
//	damper := discovery.NewDamper(discovery.Limits{Grace: 30 * time.Second, MaxGoneRatio: 0.5})
//	changed := damper.Found(now, list)
//	changed = damper.Step(later) // what waited may be taken now
//	endpoints := damper.Endpoints()
package discovery
