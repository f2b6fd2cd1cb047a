// Package proxy serves one request at a time: it reads what the client sends,
// has the balancer choose an endpoint, and carries the answer back as it comes.
// LIFE.md tells the life of a request step by step; [Handler.Serve] is that list
// in code. ERRORS.md says how it can fail, ACCESSLOG.md what is logged of it, and
// REQUESTLOG.md what is kept of it to learn from.
//
// A [Handler] lives as long as the process. What the configuration says lies in
// a [Generation], which is immutable: a request loads it once and never looks
// again, so that a reload cannot change the rules under it. Fleet state belongs to
// the balancer; this package holds a lease for as long as an exchange lasts.
//
// All state of a request stands in its exchange, and what belongs to one try at an
// endpoint in an attempt, of which there may be several. An attempt ends by end alone:
// lease and connection go back, and the judges of its target hear how it went. The
// exchange ends in exactly one place, finish, whatever happened: all attempts end
// there, one [Record] is built, and each [Recorder] is shown it.
//
// The packages below: front reads requests, strict decides what they mean, route
// finds the upstream, payload reads hints from bodies, transport speaks to
// endpoints, fault says what went wrong, retry what then becomes of the request,
// wire is the socket under all of them; requestlog is a file of rows, and admin the
// operator's listener.
//
// Clients are served by fasthttp's server: it accepts each connection, runs it on a
// goroutine of its worker pool, and closes it at the end. Its HTTP codec is not on
// the path: of 65 ambiguous heads that steelyard refuses it accepts 20, it reads a
// body that was cut short as if it were whole, and it cannot see a client leave. So
// front, strict and transport speak HTTP/1.1 themselves. (A test in strict holds the
// first two reasons to the version in use; front has the others.)
package proxy
