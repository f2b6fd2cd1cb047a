// Package probe asks an endpoint, time and again, whether it is well, and tells a sink when
// the answer changes. It judges; it never routes.
//
// It is made of three things. A check is one question to one target: a GET, or a TCP or
// TLS connect where no path is given, always on a connection of its own, so that it
// never waits behind data traffic nor speaks for a connection that happens to be open; of
// a target with a name at the addresses that data traffic goes to (package names). A
// schedule says when: each target has its own place in the interval, give or take a
// tenth. A threshold says what a run of results means: so many failures in a row make an
// endpoint Down, so many successes bring it back. A busy answer counts as a success, and
// is reported apart.
//
// A Prober lives as long as its endpoint. Configure tells it of other options while it runs:
// its run of results, its state and its place in the interval stay, so that changes that
// come faster than a threshold is reached do not keep a dead endpoint in service.
//
// One goroutine runs it, which alone writes threshold and state: a target that hangs delays
// nobody, and no target is asked twice at once. The sink and Observe are called from there,
// without any lock held.
//
//	var places probe.Places // of one upstream
//	prober := probe.New(probe.Options{
//		Upstream: "chat",
//		Path:     "/health",
//		Interval: 2 * time.Second, Timeout: time.Second,
//		UnhealthyThreshold: 3, HealthyThreshold: 2,
//		Sink: sink,
//	}, probe.Target{Name: "small", Network: "tcp", Address: "127.0.0.1:9001", Place: places.Next()})
//	prober.First(ctx) // before the listener opens: at most one Timeout
//	err := prober.Run(ctx) // until ctx ends
package probe
