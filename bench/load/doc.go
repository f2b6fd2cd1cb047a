// Package load makes requests at a rate that does not depend on the answers.
//
// Arrivals are open-loop: a seeded Poisson process decides when each request is
// meant to start, and response times count from that instant. A slow server
// therefore makes requests late or numerous but never fewer, and what a request
// lost waiting for its own sender is part of its response time (there is no
// coordinated omission). The requests in flight are bounded; an arrival beyond
// the bound is not sent but counted as overflow, and a run with overflow has
// not measured what it was asked to.
//
// Replay does the same with a trace, and precisely: raw HTTP over connections of
// its own, sent within tens of microseconds of when they are meant to be, and one
// sample for each request. It is what is measured with; a Generator goes on for
// as long as it is wanted.
//
// Generator owns the schedule and the Results. Client is the sender used for
// real traffic: HTTP, to a loopback address and to nothing else.
//
//	client, err := load.NewClient("http://127.0.0.1:8080", load.ClientOptions{})
//	generator, err := load.New(load.Options{
//		Rate: 100, Requests: 10_000, Seed: 1, Send: client.Send,
//		Next: func(n int, draws *rand.Rand) load.Request {
//			return load.Chat(load.ChatOptions{Stream: n%2 == 0})
//		},
//	})
//	err = generator.Run(ctx)
//	fmt.Println(generator.Results().Response.Mean())
//
//	measured, err := load.Replay(ctx, t, load.ReplayOptions{URL: "http://127.0.0.1:8080"})
//	fmt.Println(measured.Response.Mean(), measured.Failed)
package load
