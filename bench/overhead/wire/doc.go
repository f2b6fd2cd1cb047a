// Package wire is both ends of a comparison of proxies: the client that sends the work and the upstream that answers
// it, on raw non-blocking sockets in one epoll loop on one thread.
//
// One thread, because the two ends share the core that the proxy does not have: as two processes they would pay for
// switching between each other and hide the proxy's cost behind their own. One thread also means one clock, so that
// a chunk can carry the time it was written and its delay is a subtraction.
//
// The ends do as little as they can. Requests and answers are constants built before the clock starts; an answer is
// accepted by its status line and its last 300 bytes. What is checked once per connection, not once per message, is
// that the proxy did its work: Content-Length kept, X-Forwarded-For added.
//
// A Loop and everything attached to it belong to the goroutine that calls Run; nothing here is safe for any other.
// Between two Runs the caller may read every counter. Linux only (epoll_pwait2, Linux 5.11).
//
//	loop, _ := wire.NewLoop()
//	up, _ := loop.Serve(3)
//	calls, _ := loop.Dial(ctx, up.Addrs()[0], 64)
//	calls.Saturate()
//	err := loop.Run(ctx, 2*time.Second, nil)
//	fmt.Println(calls.Answered)
package wire
