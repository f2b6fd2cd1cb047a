// Package webhook has somebody else run the replicas: an order is a message that is posted to a URL, signed and tried again like
// those of metrics/notify.
//
//	a := webhook.New(webhook.Options{Target: notify.Target{URL: url, Keys: keys, Timeout: 10 * time.Second}, CountURL: count})
//	err := a.Scale(ctx, autoscale.Order{ID: "7", Upstream: "chat", From: 2, To: 4})
//
// The message is {id, upstream, from, to, reason, victims, deadline}, and asks for a number, never for a difference, so that
// a receiver may get it twice. A 2xx takes it on: that it is done is seen by the count or by discovery. A 409 says that the order is
// out of date, and is not sent again; nor is one that any other answer refuses for good.
//
// The count is what a GET of a second URL says: a number, or {"wanted": 4, "running": 3}. Without that URL it is unknown, and what
// discovery finds counts.
package webhook
