// Package wire holds one socket as the data path uses it, on the client's side
// and on the endpoint's side alike.
//
// It owns what net.Conn leaves to its user:
//
//   - the buffer: a [Conn] has one only while it holds unread bytes. A silent
//     connection costs its goroutine and its file descriptor, nothing else.
//     Under TLS a [Seal] does the same for our buffers;
//   - deadlines: every wait has a moment at which it ends, and the socket's timer
//     is set again only when that moment is earlier than the timer's (or the timer
//     has fired early). A keep-alive connection sets its timer once per timeout,
//     not once per read, and a write that the socket takes at once needs none;
//   - speed: a [Pace] is the least speed of a peer that makes us wait;
//   - memory for bodies: [Memory] hands it out in blocks, within a budget;
//   - interruption: [Conn.Poke] wakes a reader or writer, from any goroutine,
//     without closing: the owner closes. [Cancel] pokes whatever one exchange
//     waits for.
//
// A Conn belongs to one goroutine; only Poke may be called from others.
//
//	var c wire.Conn
//	c.Init(netConn, buffers)
//	err := c.Fill(wire.Now() + 10*time.Second) // at least one byte more
//	head := c.Bytes()
//	c.Discard(len(head))                       // the buffer goes back when empty
package wire
