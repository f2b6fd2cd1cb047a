// Package notify tells receivers of webhooks what happened. Each receiver has a queue and a
// goroutine of its own, so that one that hangs, lies or is gone harms neither the others nor
// the gateway.
//
//	r := notify.NewReceiver(notify.Options{
//		Target: notify.Target{URL: notify.NewSecret("https://pager.example/hook"), Keys: keys, Timeout: 10 * time.Second},
//		Events: log, Takes: func(e event.Event) bool { return e.Kind.Severity() >= event.Warning },
//	})
//	err := r.Run(ctx) // until ctx ends, and then for a moment more
//
// A message is JSON, posted and signed as Standard Webhooks asks for (sign.go). It is tried until the
// receiver takes it with a 2xx, refuses it for good, or the event is an hour old: the pauses
// grow from a second to a minute, and a Retry-After of the receiver counts up to five minutes.
// Redirects are not followed, since a signed message must not wander. Messages go out one at a time
// in the order of the events; all attempts of one have the same webhook-id. When 1,000 wait,
// the oldest is dropped and counted.
//
// Addresses and keys are Secrets: nothing that prints one shows it, and errors name the
// trouble without the address.
package notify
