// Command overhead measures what a proxy costs, for steelyard, nginx and HAProxy side by side in one run: CPU time
// per request and per streamed chunk, the time they add, and the memory of open streams and idle connections.
//
//	go run ./bench/overhead                                  # everything, under five minutes
//	go run ./bench/overhead -only stream -rounds 3 -duration 1s
//	go run ./bench/overhead -before old/steelyard            # beside an earlier program of ours as well
//	go run ./bench/overhead -proxies bare,steelyard          # beside the plain proxy that fasthttp makes (package bare)
//	go run ./bench/overhead -only policies                   # steelyard beside itself, under each policy
//	go run ./bench/overhead -proxies nginx,steelyard -only unary -profile-out /tmp/steelyard.perf -syscalls
//
// The proxies run on core 0, one worker each; the client and the upstream share core 1, in one thread (package wire).
// Every proxy does the same work: three endpoints of capacity 100, 200 and 150, X-Forwarded-For and -Proto added (peers.Plan).
// Rounds take turns (nginx, HAProxy, steelyard, nginx, ...), and ratios are taken within a round, so that a neighbour
// who slows one minute of the run does not slow one proxy. A run on a machine that does other work is still worth
// less: the columns "waited" say how long the proxy stood in line for its core.
//
// Nothing leaves 127.0.0.1, everything is bounded in time, and whatever was started is ended, also on a signal.
// A round in which any answer is wrong or any connection lost is void and is reported as such.
package main
