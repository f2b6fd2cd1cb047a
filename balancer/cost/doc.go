// Package cost has what a request costs at a server that reads prompts and writes answers in
// the same iterations, as engines that batch do. Numbers go in and numbers come out: it knows no
// pool, no policy and no clock.
//
// A Server is the state of one of them. It has the requests without a first token, in the order in which they
// were sent, and the work of reading their prompts; how many are being answered; and how much
// context all of them hold. It learns how fast the server reads, and how long one more token takes, from
// what passes through the gateway. An Upstream is what is learned of all requests of one upstream: how
// long answers are, and how many bytes a token of the prompt has.
//
// It also remembers, in fixed memory, which beginnings of prompts were sent to the server: those are
// likely in its cache, and need not be read again.
//
// Whoever sends a request calls Send; then Token for what comes back, and End once, however
// the request ends. All sums are integers, so that they are zero again when nothing is in flight.
//
//	server.Lock()
//	defer server.Unlock()
//	parts := server.Quote(&ask, capacity) // what it would cost there
//	server.Send(&visit, upstream, &prompt, capacity, now)
package cost
