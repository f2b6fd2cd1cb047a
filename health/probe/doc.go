// Package probe asks each endpoint of one upstream, time and again, whether it is well,
// and tells a sink when the answer changes. It judges; it never routes.
//
// It is made of three things. A check is one question to one target: a GET, or a TCP or
// TLS connect where no path is given, always on a connection of its own, so that it
// never waits behind data traffic nor speaks for a connection that happens to be open. A
// schedule says when: each target has its own place in the interval, give or take a
// tenth. A threshold says what a run of results means: so many failures in a row make an
// endpoint Down, so many successes bring it back. A busy answer counts as a success, and
// is reported apart.
//
// Each target is probed by one goroutine of Run, which alone writes its threshold and
// state: a target that hangs delays nobody, and no target is asked twice at once. The
// sink and Observe are called from these goroutines, without any lock held.
//
//	prober := probe.New(probe.Options{
//		Upstream: "chat",
//		Targets:  []probe.Target{{Name: "small", Network: "tcp", Address: "127.0.0.1:9001"}},
//		Path:     "/health",
//		Interval: 2 * time.Second, Timeout: time.Second,
//		UnhealthyThreshold: 3, HealthyThreshold: 2,
//		Sink: sink,
//	})
//	prober.FirstRound(ctx) // before the listener opens: at most one Timeout
//	err := prober.Run(ctx) // until ctx ends
package probe
