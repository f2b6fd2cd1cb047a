// Package channel tells alerts to the kinds of receivers there are: a webhook with the body of Alertmanager's, Slack
// and those that take its messages, Alertmanager itself, and a program. What is told when is decided in
// metrics/notify/dispatch, whose Channel and Mirror these are.
//
//	hook := channel.NewWebhook(notify.Target{URL: address, Keys: keys, Timeout: 10 * time.Second})
//	d.SetReceivers([]dispatch.Receiver{{Name: "hook", Kind: "webhook", Channel: hook, Timing: dispatch.Usual}})
//
// Texts of alerts hold names that others chose. They are cut, and escaped where a receiver would read more into them.
package channel
