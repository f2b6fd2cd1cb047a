// Package contender configures, pins and weighs the proxies that are compared: nginx and HAProxy as Debian packages
// them, and steelyard as it is built from this tree. How a program is found, started and stopped is bench/peers';
// here, root installs what is missing.
//
// Every contender does the same work: one worker on one core, three endpoints of weight 100, 200 and 150, connections
// kept to both sides, X-Forwarded-For and -Proto added, nothing logged per request. Beyond that each is set up as its
// own users would for speed; what differs from its defaults is written beside it in its template.
//
// A steelyard can also contend with itself: Under gives it one of the Policies, and a name that says so.
//
// A Process is one of bench/peers' that can be weighed: CPU time and memory are read from outside, summed over the whole
// tree of processes, so that nginx's master counts like any goroutine.
//
// Kinds are plain values. A Process belongs to whoever started it; CPU and Memory may be called from any goroutine.
// Linux only.
//
//	kinds, err := contender.Find(ctx, []string{"nginx", "haproxy"}, "")
//	p, err := kinds[0].Start(ctx, contender.Setting{Dir: dir, Upstreams: addrs, Core: 0, Streaming: true})
//	defer p.Stop()
//	spent, err := p.CPU()
package contender
