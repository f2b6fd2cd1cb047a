// A client's connection, from accept to close.

package front

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// The states of a connection; written by its goroutine, and by closeIdle.
const (
	stateIdle int32 = iota // waits for a request
	stateActive
	stateTunnel
	stateClosing // after its last request, while the server stops
)

// slowHead is no moment: the connection waited for the rest of a head, and was closed for it.
const slowHead = -1

// refusalTimeout bounds how long a connection above the limit may take.
const refusalTimeout = time.Second

// Request is a request's head and the memory that holds it.
type Request struct {
	strict.Request
	raw []byte
}

// Conn is one client connection. Its goroutine owns it; Gone, Abandon and the
// watch may be used from others.
type Conn struct {
	wire.Conn
	Request *Request        // the head being served; nil after ReleaseRequest
	Refusal *strict.Refusal // set instead, when the request is to be refused
	Peer    netip.Addr      // zero for a unix socket
	Client  *Client         // what its address holds; nil for a unix socket
	TLS     bool
	Arrived time.Duration // the moment when Request's first byte was seen
	Waited  time.Duration // for the rest of its head
	Served  time.Duration // the moment at which the handler was done, if it says so; else 0

	server  *Server
	socket  net.Conn // under TLS, or the connection itself
	body    body
	sending wire.Pace       // for the request's body
	persist bool            // the connection outlives this exchange; written by KeepAlive and Abort
	reset   bool            // to be closed by a TCP reset; written by Abort
	torn    bool            // a write failed, and may have left a part behind; written by Send
	over    *strict.Refusal // set for a connection above a limit, which only gets this answer
	first   bool            // no request has come yet
	stage   stage           // what serveHere has done
	here    wire.Then       // c.serveHere, bound once
	blind   atomic.Bool     // it has waited without a read, so that the watch has to tell of the end; written by serveHere

	state     atomic.Int32
	poking    sync.Mutex             // held by closeIdle and closeSlow
	evicted   atomic.Bool            // closed for a newcomer; written by whoever closes it, and by unevict
	idleSince atomic.Int64           // the moment it began to wait for a request; written by its goroutine
	headSince atomic.Int64           // the moment it began to wait for the rest of a head; 0: it does not; slowHead: closed for that
	gone      atomic.Bool            // the client has left; written by the watch
	cut       atomic.Bool            // Abandon was called
	waiter    atomic.Pointer[Waiter] // whom to tell; written by Arm, Disarm and the watch
	fd        int                    // -1 when not watched; written by the watch
	watched   int32                  // the watch's number for it
}

// Waiter is told when the client leaves. Gone runs on the watch's goroutine and
// must not block.
type Waiter struct{ Gone func() }

func newConn(s *Server, socket net.Conn, config *tls.Config) *Conn {
	c := &Conn{server: s, socket: socket, first: true, fd: -1}
	nc := socket
	if config != nil {
		nc, c.TLS = tls.Server(wire.NewSeal(socket), config), true
	}
	c.here = c.serveHere
	c.Init(nc, s.buffers)
	c.idleSince.Store(int64(wire.Now()))
	if a, ok := socket.RemoteAddr().(*net.TCPAddr); ok {
		c.Peer = a.AddrPort().Addr().Unmap()
	}
	return c
}

// Handshake does nothing. It and ConnectionState make fasthttp take the NextProto
// path; serve does the real handshake, with its own time limit.
func (c *Conn) Handshake() error { return nil }

// ConnectionState names the protocol under which serve is registered.
func (c *Conn) ConnectionState() tls.ConnectionState {
	return tls.ConnectionState{NegotiatedProtocol: protocol}
}

// serve is the life of the connection.
func (c *Conn) serve() {
	defer c.leave()
	if !c.handshake() {
		if c.Refusal != nil {
			c.server.Handler(c)
			c.settle()
		}
		return
	}
	for c.next() {
		if c.stage != answered {
			c.server.Handler(c)
		}
		if !c.settle() {
			return
		}
	}
}

func (c *Conn) leave() {
	c.server.watch.remove(c)
	c.state.Store(stateClosing)
	c.unevict()
	c.server.forget(c)
	if c.over != nil {
		c.server.refused.Add(-1)
	} else {
		c.server.open.Add(-1)
	}
	c.ReleaseRequest()
	c.Drop()
}

// ReleaseRequest gives the head's memory back before the exchange has ended, so
// that a stream does not hold it. No slice of Request may be used afterwards.
func (c *Conn) ReleaseRequest() {
	if c.Request != nil {
		c.server.requests.Put(c.Request)
		c.Request = nil
	}
}

// KeepAlive decides whether the connection stays open after the exchange; will is
// the handler's wish. Call it once, before the answer's head is written.
func (c *Conn) KeepAlive(will bool) bool {
	c.persist = will && c.Refusal == nil && c.Request != nil && c.Request.Persistent() &&
		!c.ending() && !c.server.retiring.Load() && !c.server.crowded.Load() && c.body.drainable()
	return c.persist
}

// Abort marks the connection as broken: it is closed without another byte, so
// that an answer cut short never looks whole. With reset it is closed by a TCP
// reset, which is needed if the close itself marks the end of the answer.
func (c *Conn) Abort(reset bool) {
	c.persist = false
	c.body.abandoned = true
	if reset {
		c.reset = true
		if t, ok := c.socket.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
	}
}

// Close closes the connection. It is fasthttp's to call, after serve.
func (c *Conn) Close() error {
	if c.reset || c.torn || c.Poked() {
		return c.socket.Close() // past TLS: close_notify would be a clean end, and may wait
	}
	return c.Conn.Close()
}

// settle ends an exchange and reports whether the connection goes on.
func (c *Conn) settle() bool {
	c.ReleaseRequest()
	switch {
	case c.body.abandoned:
		return false
	case c.persist && c.drain():
		c.rest()
		return true
	}
	c.linger()
	return false
}

// rest lets c wait for another request.
func (c *Conn) rest() {
	if c.Served == 0 {
		c.Served = wire.Now()
	}
	c.idleSince.Store(int64(c.Served))
	c.state.CompareAndSwap(stateActive, stateIdle)
}

// Send writes p whole, for as long as the client keeps taking it.
func (c *Conn) Send(p []byte) error { return c.SendWithin(p, c.server.ClientStall) }

// SendWithin is Send with its own limit on the time between two pieces; 0 is none.
func (c *Conn) SendWithin(p []byte, stall time.Duration) error {
	err := c.WriteAll(p, stall)
	c.torn = c.torn || err != nil
	return err
}

// Torn says whether a Send has failed: a part of it may have gone, so the client
// could not understand anything sent after it.
func (c *Conn) Torn() bool { return c.torn }

// Tunnel records that the connection has switched to another protocol.
func (c *Conn) Tunnel() { c.state.Store(stateTunnel) }

// closeIdle makes an idle connection look for a request a last time and close if there is
// none. It returns false if a request is under way. Any goroutine may call it.
func (c *Conn) closeIdle() bool {
	c.poking.Lock()
	defer c.poking.Unlock()
	if !c.state.CompareAndSwap(stateIdle, stateClosing) {
		return false
	}
	c.PokeRead()
	return true
}

// closeSlow closes the connection, if it has waited for the rest of a head since that
// moment, and says whether it had. Any goroutine may call it.
func (c *Conn) closeSlow(since int64) bool {
	c.poking.Lock()
	defer c.poking.Unlock()
	if !c.headSince.CompareAndSwap(since, slowHead) {
		return false
	}
	c.PokeRead()
	return true
}

// Abandon ends the exchange under way, or the wait for a request. Any goroutine may
// call it.
func (c *Conn) Abandon() {
	c.cut.Store(true)
	c.left()
	c.PokeRead()
}
