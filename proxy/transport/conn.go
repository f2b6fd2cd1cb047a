package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Conn is a connection to an endpoint. One goroutine at a time may read and one
// may write.
type Conn struct {
	wire.Conn
	Reused bool // it served a request before this one

	pool      *Pool
	idleSince time.Duration
	roundTrip time.Duration    // to the endpoint and back, as measured when connecting
	socket    syscall.RawConn  // of the TCP or unix socket, under TLS too
	look      func(fd uintptr) // c.lookNow, bound once
	seal      *wire.Seal       // the socket under TLS; nil when plain
	clean     bool             // result of lookNow
}

func newConn(p *Pool, nc net.Conn) *Conn {
	c := &Conn{pool: p}
	c.Init(nc, buffers)
	socket := nc
	if t, ok := nc.(*tls.Conn); ok {
		socket = t.NetConn()
		c.seal, _ = socket.(*wire.Seal)
		c.Secured()
	}
	if s, ok := socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.socket, c.look = raw, c.lookNow
		}
	}
	return c
}

// Send writes the first bytes of a request, after a look at the socket: the
// answer must not be mistaken for one that nobody asked for. When nothing more is
// to be written, the beginning of the answer is waited for in the same turn, until
// the moment until. wire.ErrUnsound says that nothing was written; other errors
// leave that open.
func (c *Conn) Send(p []byte, more bool, until, stall time.Duration) error {
	var err error
	switch {
	case c.Reused && (more || c.seal != nil) && !c.sound():
		err = wire.ErrUnsound
	case more:
		err = c.WriteAll(p, stall)
	default:
		err = c.Ask(p, until, stall)
	}
	if c.Reused {
		if errors.Is(err, wire.ErrUnsound) {
			c.pool.options.Metrics.ConnectionStale()
		} else {
			c.pool.options.Metrics.ConnectionReused()
		}
	}
	return err
}

// sound says whether an idle connection may be used: not closed by the endpoint,
// and with no bytes on it that nobody asked for.
func (c *Conn) sound() bool {
	c.clean = false
	if c.socket == nil || c.socket.Control(c.look) != nil || !c.clean {
		return false
	}
	return c.Quiet()
}

// lookNow peeks at the socket: nothing but silence is sound. That holds under TLS
// too: session tickets come before the first answer and are read with it.
func (c *Conn) lookNow(fd uintptr) {
	_, err := wire.Peek(int(fd))
	c.clean = err == syscall.EAGAIN
}

// cutOff says whether the end of c came without a farewell, where there ought to
// be one (RFC 9112 9.8): only the farewell ends a body that lasts as long as its connection.
func (c *Conn) cutOff() bool { return c.seal != nil && c.seal.Ended() }

// What a round trip is taken for at most, since a lost packet makes connecting take a second;
// and what is added to it for the time that a process, here or there, waits for its turn.
const longestRoundTrip, turn = 200 * time.Millisecond, 10 * time.Millisecond

// DiedIdle says whether a reused connection, which ended so long after a request was
// written on it, had most likely been closed before the request came there. Such an end
// comes within one round trip of the write, on its way already or as the answer to the
// request's first packet. What comes later comes from a server that had the request.
func (c *Conn) DiedIdle(after time.Duration) bool {
	return c.Reused && after <= min(c.roundTrip, longestRoundTrip)+turn
}

// Release ends the attempt that c was acquired for. A connection that is not
// reusable is closed: the endpoint is then told that nobody waits any more.
func (c *Conn) Release(reusable bool) {
	c.pool.active.Add(-1)
	if reusable && c.Buffered() == 0 && !c.Poked() && c.pool.put(c) {
		return
	}
	c.Drop()
	_ = c.Close()
}

// ReadHead reads the head of an answer into a, which is valid until the next use
// of c. The caller discards its size bytes when done with it. Errors are
// *fault.Error, or wire.ErrPoked when the exchange was cancelled.
func (c *Conn) ReadHead(a *strict.Answer, until time.Duration) (size int, err error) {
	for search := (strict.Search{}); ; {
		if end := search.End(c.Bytes()); end >= 0 {
			if err := a.Parse(c.Bytes()[:end]); err != nil {
				return 0, fault.New(fault.BadAnswer, err)
			}
			return end, nil
		}
		if search.BareLF(c.Bytes()) {
			return 0, fault.New(fault.BadAnswer, strict.BadLineEnd)
		}
		if err := c.Fill(until); err != nil {
			return 0, c.headFault(err)
		}
	}
}

const errHeadTooLarge = fault.Reason("the answer's head is larger than 32 KiB")

// headFault says why no head could be read.
func (c *Conn) headFault(err error) error {
	begun := c.Buffered() > 0
	switch {
	case errors.Is(err, wire.ErrPoked):
		return err
	case errors.Is(err, wire.ErrTimeout):
		return fault.New(fault.FirstByteTimeout, nil)
	case errors.Is(err, wire.ErrFull):
		return fault.New(fault.BadAnswer, errHeadTooLarge)
	case begun:
		return fault.New(fault.BadAnswer, io.ErrUnexpectedEOF)
	}
	f := fault.New(fault.Closed, nil)
	if !errors.Is(err, io.EOF) {
		f.Err = err
	}
	f.Ended = c.Reused
	return f
}
