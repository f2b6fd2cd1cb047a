// Package event keeps what happened: an endpoint was ejected, a reload was refused, a
// certificate is near its end. An event says what changed, why, from what figures that was
// seen, and what was done about it.
//
//	log := event.NewLog(func(e event.Event) { ... })   // e.g. a line of the log
//	log.Publish(event.Event{Kind: event.Ejected, Upstream: "chat", Endpoint: "small",
//		Cause: "3 failures in a row", Action: "no requests for 10s",
//		Evidence: map[string]any{"failures": 3}})
//	follower := log.Follow(log.Newest())
//	defer follower.Close()
//	for range follower.News() {
//		events, missed := follower.Take()
//	}
//
// Publish never waits for those who follow: they read from the ring at their own pace, and
// one that is too slow is told how many events it missed. A nil *Log publishes nowhere, so
// that a room can be used without one.
//
// The kinds are a closed list (kind.go). Whoever needs another adds it there, with its severity and
// a sentence that says what has happened.
package event
