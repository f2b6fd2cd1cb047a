// Package transport is the endpoint's side of the proxy: connections to
// endpoints, requests written to them, answers read from them.
//
// A [Pool] owns the connections to one endpoint, newest used first. A connection
// leaves the pool for one attempt ([Pool.Acquire]) and comes back ([Conn.Release])
// only when both messages ended exactly where they said they would. Before it is
// used again the socket is looked at: bytes that nobody asked for, or its end,
// and it is closed instead, so that no answer can reach the wrong client.
//
// If the endpoint has a name, package names has its addresses: a dial waits for no
// name server, and a connection to an address that the name has left is not kept.
//
// Everything that waits does so under the exchange's [wire.Cancel]: dialling, the
// TLS handshake, writing, reading. fasthttp's client can do none of this before
// the answer's head, reuses connections with unread bytes and merges fields,
// which is why the codec here is package strict.
//
// An answer is read as a head ([Conn.ReadHead]) and a [Body] that knows its
// framing: an end that comes too early is always an error, never io.EOF. Over TLS
// a body that lasts as long as its connection ends too early unless close_notify
// came before the end.
package transport
