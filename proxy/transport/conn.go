// A connection to an endpoint: sending a request, reading the answer's head.

package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
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
	// Done is the moment at which its user was done with it, if that is known; else 0.
	Done time.Duration

	pool      *Pool
	next      *Conn            // in the pool's list of those in use, like previous
	previous  *Conn            // written under the pool's mu
	hearing   atomic.Uint32    // heard, asked or forsaken; written by the exchange's goroutine and Forsake
	expires   time.Duration    // the moment from which on it is too old; 0: never
	address   netip.Addr       // of the endpoint; zero if it has none
	roundTrip time.Duration    // to the endpoint and back, as measured when connecting
	socket    syscall.RawConn  // of the TCP or unix socket, under TLS too
	look      func(fd uintptr) // c.lookNow, bound once
	seal      *wire.Seal       // the socket under TLS; nil when plain
	clean     bool             // result of lookNow
}

// The values of hearing: what has been heard of an answer.
const (
	heard    uint32 = iota // something, or no request was sent
	asked                  // nothing yet
	forsaken               // nothing, and nobody waits any more
)

func newConn(p *Pool, nc net.Conn) *Conn {
	c := &Conn{pool: p}
	if limit := p.options.MaxAge; limit > 0 { // spread, so that connections do not all end at once
		c.expires = wire.Now() + limit - time.Duration(rand.Float64()*ageSpread*float64(limit))
	}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		c.address = a.AddrPort().Addr()
	}
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

// Send writes the first bytes of a request, after a look at the socket: bytes that
// nobody asked for must not be taken for the answer. If there is nothing more to
// write it also waits for the beginning of the answer, until the moment until.
// wire.ErrUnsound says that nothing was written; after other errors bytes may have
// gone.
func (c *Conn) Send(p []byte, more bool, until, stall time.Duration) error {
	c.hearing.Store(asked)
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

// sound says whether an idle connection may be used: the endpoint has not closed it,
// and sent nothing that nobody asked for.
func (c *Conn) sound() bool {
	c.clean = false
	if c.socket == nil || c.socket.Control(c.look) != nil || !c.clean {
		return false
	}
	return c.Quiet()
}

// lookNow peeks at the socket: only silence is sound. That holds under TLS too, since
// session tickets come before the first answer and are read with it.
func (c *Conn) lookNow(fd uintptr) {
	_, err := wire.Peek(int(fd))
	c.clean = err == syscall.EAGAIN
}

// cutOff says whether c is a TLS connection that ended without close_notify, which
// is needed to end a body that lasts as long as its connection (RFC 9112 9.8).
func (c *Conn) cutOff() bool { return c.seal != nil && c.seal.Ended() }

// ageSpread is the part of the greatest age by which connections end earlier, at random.
const ageSpread = 0.2

// longestRoundTrip bounds a measured round trip, since a lost packet makes connecting take a
// second. turn is added to it for the time that a process, here or there, waits for a core.
const longestRoundTrip, turn = 200 * time.Millisecond, 10 * time.Millisecond

// DiedIdle says whether a reused connection, which ended that long after a request was
// written on it, had most likely been closed before the request arrived. Such an end
// comes within one round trip of the write: it was on its way already, or answers the
// request's first packet. A later end comes from a server that had the request.
func (c *Conn) DiedIdle(after time.Duration) bool {
	return c.Reused && after <= min(c.roundTrip, longestRoundTrip)+turn
}

// Release ends the attempt that c was acquired for. A connection that is not reusable
// is closed, which tells the endpoint that nobody waits any more.
func (c *Conn) Release(reusable bool) {
	if c.pool.put(c, reusable && c.Buffered() == 0 && !c.Poked()) {
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
		if c.Buffered() > 0 && !c.heard() {
			return 0, errForsaken()
		}
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

// heard records that something of the answer has come. It returns false if the wait was ended before.
func (c *Conn) heard() bool {
	return c.hearing.Load() == heard || c.hearing.CompareAndSwap(asked, heard)
}

func errForsaken() error { return fault.New(fault.Forsaken, nil) }

const errHeadTooLarge = fault.Reason("the answer's head is larger than 32 KiB")

// headFault says why no head could be read.
func (c *Conn) headFault(err error) error {
	begun := c.Buffered() > 0
	switch {
	case errors.Is(err, wire.ErrPoked) && c.hearing.Load() == forsaken:
		return errForsaken()
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
