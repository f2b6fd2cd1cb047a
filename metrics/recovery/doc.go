// Package recovery gets endpoints back that do not come back on their own: it runs a command
// or calls a webhook for one that has been out for a while, for example to restart it.
//
//	w := recovery.New(recovery.Options{
//		Upstream: "chat", Endpoints: states, Events: log,
//		Action: recovery.Command{Args: []string{"systemctl", "restart", "vllm@{endpoint}"}},
//		After: time.Minute, Every: 10 * time.Minute, Limit: 6, Timeout: time.Minute,
//	})
//	err := w.Run(ctx) // until ctx ends
//
// An action can do harm, so it is bounded in four ways: one endpoint of an upstream at a time;
// for the same endpoint not more often than Every; for the upstream not more often than Limit in
// an hour; and each action has a time-out, after which its whole process group is killed. A dry run
// does all but the action, under the same bounds. Whatever happens is an event.
//
// An endpoint that comes back for a moment and fails again is out all that time: only when it has been
// well for After, or half a minute if that is less, does the count begin anew.
package recovery
