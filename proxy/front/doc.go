// Package front is the client's side of the proxy: listeners, connections, and
// the reading of requests.
//
// fasthttp.Server accepts connections and lends each a goroutine of its worker
// pool. What it serves on them is our own HTTP/1.1 loop ([Conn]), hung into its
// NextProto hook, because fasthttp.RequestCtx cannot do a proxy's duties: it is
// not told that a client has left, takes a body cut short between two chunks for
// a whole one, holds three buffers for as long as a stream lasts, merges Cookie
// and Content-Type fields, replaces Date, frames streams as chunked for HTTP/1.0,
// and stops accepting for good after one EMFILE.
//
// A connection is read by its own goroutine only. While an exchange runs, the
// [watch] tells it when the client leaves: one epoll (or kqueue) registration
// per connection, made once; arming it for a request is one atomic store. A
// connection that waits holds no buffer.
//
// The loop, for each request:
//
//	next     wait for a head; parse it through the gate (package strict)
//	handler  reads the body (ReadBody), writes the answer (WriteAll)
//	settle   drain what is left of the body, keep the connection or close it
//
// When the limit on connections is reached or descriptors run out, the connections
// that have waited longest for a request are closed ([Server.CloseIdle]).
//
// When another process takes over ([Server.Retire]), it accepts on the same sockets
// (inherit.go), and each of our connections may send one more request.
//
// After an answer that was sent before the whole request had come, the connection
// lingers: it is half-closed and drained, for up to 30 s while more comes. Closing at
// once would reset it, and the client could lose the answer.
//
// A TLS client that sends close_notify and keeps its socket open does not count as
// gone: the watch sees only the socket's end. To see close_notify it would have to
// wake up for every record of a client and decrypt it.
package front
