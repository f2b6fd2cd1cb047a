// Package process runs the replicas of an upstream as processes of this machine: it starts them from a template of a
// command, each with a port of its own, starts again what has crashed, and ends what is no longer wanted.
//
//	a := process.New("chat", process.Settings{
//		Command: []string{"vllm", "serve", "m", "--port", "{port}"}, First: 9100, Last: 9199, Most: 8, StopTimeout: time.Minute,
//	}, process.Options{Events: log})
//	err := a.Run(ctx, changed)
//	err = a.Scale(ctx, autoscale.Order{ID: "7", To: 2})
//	count, err := a.Count(ctx) // two replicas with names and URLs
//
// A replica has a slot, from 0, that is used again: it gives the name, the port that is tried first and the GPUs.
// Each replica has a goroutine (replica.go) that starts it, waits for its end, and pauses before the next start: a second
// at first, and twice as long each time up to a minute, until it has run for a minute. Its process is a child
// of a keeper (see that package), which ends it when the gateway is gone, however that happened.
//
// Who may be stopped: those that the order names, as they are drained, and those that have no process just now. An order that
// asks for fewer than that leaves is refused for the rest.
//
// A program that takes over from this one goes on with the running servers: Lend gives their descriptors, Options.Given
// takes them, and Leave ends this one's part. From Lend to Leave, or to Keep if nothing came of it, nothing is started or stopped.
package process
