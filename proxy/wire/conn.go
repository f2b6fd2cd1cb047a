// A socket with a buffer only while it holds bytes, and waits that can be ended.

package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	// ErrTimeout: the moment until which the wait could last has passed.
	ErrTimeout = errors.New("timed out")
	// ErrPoked: another goroutine called Poke; the connection is of no further use.
	ErrPoked = errors.New("interrupted")
	// ErrFull: the buffer holds as much as it can and none of it was discarded.
	ErrFull = errors.New("buffer full")
)

var past = time.Unix(1, 0)

// Conn is a connection with a buffer that exists only while it holds bytes.
// Init makes one, most often as part of a larger struct; it must not be copied.
type Conn struct {
	net.Conn
	// Pace is the least speed of the peer while it makes a write wait.
	Pace Pace
	// Blocked is how long the peer has made writes wait so far; written by the writer.
	Blocked time.Duration

	seal     *Seal                 // the socket under TLS; nil when plain
	raw      syscall.RawConn       // of the socket, under TLS too; nil if it has none
	tryRead  func(fd uintptr) bool // c.readNow and c.writeNow, bound once so that
	tryWrite func(fd uintptr) bool // nothing is allocated for a read or a write
	tryQueue func(fd uintptr)
	buffers  *Buffers
	buf      *Buffer // nil while no byte is held
	r, w     int     // unread bytes are buf.B[r:w]
	n        int     // result of the last readNow, with err
	err      error
	until    time.Duration // when the wait under way ends; 0: never
	then     Then          // of FillWhile; nil: the next bytes end the wait
	question []byte        // what Ask still has to write
	unheard  error         // what ended Ask's wait, for the next Fill; the kernel tells a reset once
	out      []byte        // what is being written and has not gone yet
	outErr   error         // result of the last writeNow
	once     bool          // writeNow does not wait
	queue    int           // result of the last queueNow

	readArmed, writeArmed time.Duration // the moments to which the socket's timers are set; 0: none
	poked                 atomic.Bool   // written by Poke, once
	readPoked             atomic.Bool   // written by PokeRead and ResumeRead
	writePoked            atomic.Bool   // written by PokeWrite and ResumeWrite
}

// Init makes c wrap nc, which may be a TCP or unix connection, or TLS over a [Seal].
func (c *Conn) Init(nc net.Conn, buffers *Buffers) {
	c.Conn, c.buffers = nc, buffers
	socket := nc
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		socket = t.NetConn()
		c.seal, _ = socket.(*Seal)
	}
	if s, ok := socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.raw, c.tryRead, c.tryWrite, c.tryQueue = raw, c.readNow, c.writeNow, c.queueNow
		}
	}
}

// Bytes are the unread bytes, valid until the next Fill, Discard or Drop.
func (c *Conn) Bytes() []byte {
	if c.buf == nil {
		return nil
	}
	return c.buf.B[c.r:c.w]
}

// Buffered is the number of unread bytes.
func (c *Conn) Buffered() int { return c.w - c.r }

// Discard marks n of the unread bytes as read. When none is left the buffer
// goes back to its pool, so no slice of it may be held across this call.
func (c *Conn) Discard(n int) {
	c.r += n
	if c.r == c.w {
		c.Drop()
	}
}

// Drop forgets all unread bytes.
func (c *Conn) Drop() {
	if c.buf != nil {
		c.buf.Release()
		c.buf = nil
	}
	c.r, c.w = 0, 0
}

// Fill waits for at least one byte more, until the moment until (0: for ever).
// If there is no room behind the unread bytes it moves them to the buffer's front,
// and if there is none at all the buffer grows. Errors: io.EOF, ErrTimeout,
// ErrPoked, ErrFull, or the socket's own.
func (c *Conn) Fill(until time.Duration) error {
	if c.buf != nil && c.w == len(c.buf.B) {
		if c.r == 0 && !c.buf.grow() {
			return ErrFull
		}
		c.w = copy(c.buf.B, c.buf.B[c.r:c.w])
		c.r = 0
	}
	n, err := c.wait(until, nil)
	c.w += n
	return err
}

// ReadInto reads at least one byte into p, past the buffer, which must be
// empty. Limits and errors are those of Fill.
func (c *Conn) ReadInto(p []byte, until time.Duration) (int, error) {
	return c.wait(until, p)
}

// wait reads once, re-arming the socket's timer when it fires before until.
func (c *Conn) wait(until time.Duration, p []byte) (int, error) {
	err := c.unheard
	c.until = until
	if c.unheard = nil; err == nil {
		err = c.armRead(until, false)
	}
	for err == nil {
		var n int
		if c.seal != nil || p != nil || c.raw == nil {
			n, err = c.read(p)
		} else if err = c.raw.Read(c.tryRead); err == nil { // here, since requests are served in it: stacks stay small
			n, err = c.n, c.err
		}
		if n > 0 || err == errEnough {
			return n, nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if c.until != 0 && Now() >= c.until && c.readPokedNow() == nil {
				err = ErrTimeout
				break
			}
			err = c.armRead(c.until, true)
		}
	}
	if c.buf != nil && c.r == c.w {
		c.Drop()
	}
	return 0, err
}

// read is one read that does not go by readNow.
func (c *Conn) read(p []byte) (int, error) {
	switch {
	case c.seal != nil:
		return c.readSealed(p)
	case p != nil:
		return c.Conn.Read(p)
	}
	if c.buf == nil {
		c.buf = c.buffers.Get()
	}
	return c.Conn.Read(c.buf.B[c.w:])
}

// readNow reads without waiting. It takes a buffer only for bytes that are there,
// so that a connection that waits in the poller holds none.
func (c *Conn) readNow(fd uintptr) bool {
	if c.question != nil {
		return c.askNow(int(fd))
	}
	for {
		if c.buf == nil {
			c.buf = c.buffers.Get()
		}
		room := len(c.buf.B) - c.w
		c.n, c.err = readSocket(int(fd), c.buf.B[c.w:])
		switch {
		case c.err == syscall.EINTR:
			continue
		case c.err == syscall.EAGAIN:
			if c.r == c.w {
				c.Drop()
			}
			return false
		case c.err != nil:
			c.err = os.NewSyscallError("read", c.err)
			return true
		case c.n == 0:
			c.err = io.EOF
			return true
		case c.then == nil:
			return true
		}
		dry := c.n < room
		c.w += c.n
		if until, more := c.then(); !c.goesOn(until, more) {
			return true
		}
		if dry { // what comes from now on wakes the next wait
			return false
		}
	}
}

// armRead makes a read that starts now end by until. A timer that fires earlier may
// stay, since wait re-arms it; a later one may not.
func (c *Conn) armRead(until time.Duration, force bool) error {
	if !force && (until == 0 || c.readArmed != 0 && c.readArmed <= until) {
		return c.readPokedNow()
	}
	c.readArmed = until
	if err := c.SetReadDeadline(deadline(until)); err != nil {
		return err
	}
	return c.readPokedNow()
}

// deadline is the moment m for a socket, which goes by the monotonic clock.
func deadline(m time.Duration) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return start.Add(m)
}

// readPokedNow is called after every change of a deadline. Poke sets its flag before
// its deadline, so either the flag is seen here or Poke's deadline stays.
func (c *Conn) readPokedNow() error {
	if c.poked.Load() || c.readPoked.Load() {
		return ErrPoked
	}
	return nil
}

// Poke makes every read and write of c, present and future, end with ErrPoked.
// It never blocks and may be called from any goroutine, any number of times.
func (c *Conn) Poke() {
	c.poked.Store(true)
	_ = c.SetDeadline(past)
}

// Quiet says whether no unread bytes lie between c and the socket, where TLS may hold
// a record back. No read may be under way.
func (c *Conn) Quiet() bool {
	if c.seal == nil {
		return true
	}
	var b [1]byte
	n, err := c.Conn.Read(b[:])
	return n == 0 && errors.Is(err, errDry)
}

// Poked says whether Poke was called.
func (c *Conn) Poked() bool { return c.poked.Load() }

// PokeRead is Poke for reads alone, until ResumeRead.
func (c *Conn) PokeRead() {
	c.readPoked.Store(true)
	_ = c.SetReadDeadline(past)
}

// ResumeRead undoes PokeRead. No read may be under way.
func (c *Conn) ResumeRead() {
	c.readPoked.Store(false)
	c.readArmed = 0 // the timer is not known now: the next read sets its own
}

// PokeWrite is Poke for writes alone, until ResumeWrite.
func (c *Conn) PokeWrite() {
	c.writePoked.Store(true)
	_ = c.SetWriteDeadline(past)
}

// ResumeWrite undoes PokeWrite. No write may be under way. Of a write that PokeWrite
// ended a part may have gone.
func (c *Conn) ResumeWrite() {
	c.writePoked.Store(false)
	c.writeArmed = 0
	_ = c.SetWriteDeadline(time.Time{})
}
