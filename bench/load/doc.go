// Package load makes requests at a rate that does not depend on the answers.
//
// Arrivals are open-loop: a trace says when each request is meant to start, and response times count from that instant. A
// slow server therefore makes requests late or numerous but never fewer, and what a request lost waiting for its own
// sender is part of its response time (there is no coordinated omission). The requests in flight are bounded; an arrival
// beyond the bound is not sent but is an Overflow, and a run with overflow has not measured what it was asked to.
//
// The client is raw HTTP over connections of its own, to a loopback address and to nothing else: requests are sent within
// tens of microseconds of when they are meant to be. Replay sends a trace and returns a sample for each request; Send goes
// on for as long as there are requests, and tells of each when it has ended.
//
//	samples, err := load.Replay(ctx, t, load.Options{URL: "http://127.0.0.1:8080"})
//	err := load.Send(ctx, endless, load.Options{URL: url}, func(n int, s load.Sample) { ... })
package load
