// Package peers finds, configures, starts, weighs and stops the proxies that steelyard is compared with, and steelyard
// itself as a program like the others: nginx and HAProxy as Debian packages them.
//
// Each is one worker in front of the same endpoints, keeps connections to both sides, repeats nothing, and logs no
// request. A Plan says what is to be shared and how; Config is its text in the program's own language, and Start runs it
// on a free port of loopback in a folder of its own. Run does so on any other text, for a bench that has plans of its
// own. What a program writes to its standard error is kept, and is part of the error when it does not start.
//
// A Process is a session of its own and is killed with everything in it by Stop; should this program be killed outright,
// Linux ends the process as well. It belongs to whoever started it. On Linux it can be begun OnCore of its own, and its
// CPU time, memory and waiting can be read, by any goroutine: from outside, summed over the whole tree of processes, so
// that nginx's master counts like any goroutine.
//
//	program, err := peers.Find(ctx, peers.Nginx)       // err says how to install it
//	p, err := program.Start(ctx, peers.Plan{Endpoints: endpoints, Dir: dir})
//	defer p.Stop()
//	get("http://" + p.Addr)
package peers
