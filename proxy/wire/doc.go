// Package wire holds one socket as the data path uses it, on the client's side
// and on the endpoint's side alike.
//
// It owns three things that net.Conn leaves to its user:
//
//   - the buffer: a [Conn] has one only while it holds unread bytes. A silent
//     connection costs its goroutine and its file descriptor, nothing else;
//     Under TLS a [Seal] sees to the same for our buffers;
//   - deadlines: every wait names the moment it may last to, and the socket's
//     timer is touched only when that moment is earlier than the one armed
//     before (or the armed one has fired early). A keep-alive connection arms
//     its timer once per timeout, not once per read, and a write that the socket
//     takes at once needs none;
//   - speed: what a peer must keep to while it makes us wait is a [Pace];
//   - memory for bodies: [Memory] hands it out in blocks, within a budget;
//   - interruption: [Conn.Poke] wakes whoever reads or writes, from any
//     goroutine, without closing: the owner closes. [Cancel] pokes whatever one
//     exchange waits for at this moment.
//
// A Conn belongs to one goroutine; only Poke may be called from others.
//
//	var c wire.Conn
//	c.Init(netConn, buffers)
//	err := c.Fill(wire.Now() + 10*time.Second) // at least one byte more
//	head := c.Bytes()
//	c.Discard(len(head))                       // the buffer goes back when empty
package wire
