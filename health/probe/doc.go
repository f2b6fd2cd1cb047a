// Package probe asks an endpoint at intervals whether it is well, and tells a sink when the
// answer changes. It judges; it never routes.
//
// It is made of three things:
//
//   - A check is one question to one target: a GET, or without a path a TCP or TLS connect.
//     It has a connection of its own, so that it never waits behind requests and never judges
//     by a connection that happens to be open. A target with a name is probed at the
//     addresses that requests go to (package names).
//   - A schedule says when. Each target has its own place in the interval, give or take a tenth.
//     Hasten puts an endpoint that is down before its turn.
//   - A threshold says what a run of results means: a number of failures in a row makes an
//     endpoint Down, a number of successes brings it back. A busy answer is a success, and is
//     reported as Busy.
//
// A Prober lives as long as its endpoint. Configure changes its options while it runs and
// keeps its run of results, its state and its place in the interval: otherwise reloads that
// come faster than a threshold is reached would keep a dead endpoint in service.
//
// Each prober has one goroutine, the only writer of its threshold and state: a target that
// hangs delays no other, and no target is asked twice at once. The sink and Observe are called
// on that goroutine, without any lock held.
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
