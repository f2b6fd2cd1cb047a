// Package load asks engines what they say of themselves, and says how old that is. It judges no
// endpoint and routes nothing: it tells a sink, and whoever asks.
//
//   - table.go names what each engine publishes, by version, and where.
//   - An answer is read as it comes, line by line, by what is wanted of it alone: hundreds of
//     kilobytes cost about a millisecond, and none of it is kept.
//   - A Reading is what one answer said. A figure that it did not have, or that cannot be (NaN, below
//     zero), is Unknown, never zero.
//   - Foreign requests are the engine's count less ours at that moment, smoothed: what other gateways
//     and batch jobs have there.
//   - A restart shows in counters that go back, or in the time at which the process started: what
//     the engine had in its cache is gone.
//
// What has not been heard for three intervals is stale: it is shown with its age, and steers nothing
// any more. Nor does what several servers behind one address say in turn.
//
// Each endpoint has a Listener with one goroutine and one connection, so that a server that hangs
// delays no other. Configure changes its options while it runs.
//
//	l := load.New(load.Options{Engine: "auto", Interval: time.Second, Sink: sink}, load.Target{Name: "small", Address: "127.0.0.1:9001"})
//	go l.Run(ctx)
//	now := l.Report()
//
// ENGINES.md says what users see of it.
package load
