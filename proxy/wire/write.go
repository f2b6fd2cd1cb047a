// Writing to a socket, and how long a peer may make it wait.

package wire

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// ErrUnsound: the peer has closed the connection, or has sent bytes that nobody
// asked for. Nothing was written.
const ErrUnsound = told("connection closed, or with unasked bytes on it")

// told is an error in our own words, which clients may see.
type told string

func (t told) Error() string { return string(t) }

// Plain is the error itself.
func (t told) Plain() string { return string(t) }

var errUnwritten = errors.New("the socket did not take all at once")

// ErrTooSlow: the peer takes less than Pace asks for.
var ErrTooSlow = errors.New("too slow")

// WriteAll writes all of p. It returns ErrTimeout if the peer takes no byte for stall
// (0: no limit), and ErrTooSlow if it is slower than c.Pace. Bytes count as taken when
// they have left the socket's own buffer.
func (c *Conn) WriteAll(p []byte, stall time.Duration) error {
	if err := c.writePokedNow(); err != nil {
		return err
	}
	if c.seal == nil {
		return c.writeSocket(p, stall)
	}
	c.seal.stall = stall
	_, err := c.Conn.Write(p)
	return err
}

// writeSocket is WriteAll past TLS. No timer is set for what the socket takes at once.
func (c *Conn) writeSocket(p []byte, stall time.Duration) error {
	if c.raw != nil {
		n, err := c.writeOnce(p)
		if p = p[n:]; err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		defer c.disarmWrite()
	}
	return c.writeSlowly(p, stall)
}

// writeOnce writes what the socket takes without a wait. If that is not all the error
// is a deadline exceeded.
func (c *Conn) writeOnce(p []byte) (int, error) {
	c.once = true
	n, err := c.write(p)
	c.once = false
	if err == nil && n < len(p) {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// writeSlowly writes to a peer that may make it wait, and looks every lookEvery how
// much the peer has taken.
func (c *Conn) writeSlowly(p []byte, stall time.Duration) error {
	looked, queued := Now(), c.queued()
	moved := looked // when the peer last took something
	for {
		until := c.nextLook(looked, moved, stall)
		if until != 0 || c.writeArmed != 0 {
			if err := c.armWrite(until); err != nil {
				return err
			}
		}
		n, err := c.write(p)
		if p = p[n:]; err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		now, before := Now(), queued
		queued = c.queued()
		taken := max(n+before-queued, 0)
		c.Pace.Waited(now-looked, taken)
		c.Blocked += now - looked
		if looked = now; taken > 0 {
			moved = now
		}
		switch {
		case err == nil:
			return nil
		case c.writePokedNow() != nil:
			return ErrPoked
		case stall != 0 && now-moved >= stall:
			return ErrTimeout
		case c.Pace.Over():
			return ErrTooSlow
		}
	}
}

// lookEvery is the time between two looks at how much the peer has taken. The socket
// itself reports that late: only when a third of its buffer is free.
const lookEvery = time.Second

// nextLook is the moment until which a write may wait before the next look; 0: for ever.
func (c *Conn) nextLook(now, moved, stall time.Duration) time.Duration {
	limit := c.Pace.limit()
	if stall != 0 {
		limit = min(limit, moved+stall-now)
	}
	if limit == unlimited {
		return 0
	}
	if c.raw != nil {
		limit = min(limit, lookEvery, max(stall/8, time.Millisecond))
	}
	return now + max(limit, 1)
}

// write writes p and says how much of it went before an error.
func (c *Conn) write(p []byte) (int, error) {
	if c.raw == nil {
		return c.under().Write(p)
	}
	c.out, c.outErr = p, nil
	err := c.raw.Write(c.tryWrite)
	n := len(p) - len(c.out)
	c.out = nil
	if err == nil {
		err = c.outErr
	}
	return n, err
}

// under is the connection without TLS.
func (c *Conn) under() net.Conn {
	if c.seal != nil {
		return c.seal.Conn
	}
	return c.Conn
}

// writeNow writes what the socket takes at once. Unless c.once is set it asks to be
// called again when the socket takes more.
func (c *Conn) writeNow(fd uintptr) bool {
	for len(c.out) > 0 {
		n, err := writeSocket(int(fd), c.out)
		switch err {
		case nil:
			c.out = c.out[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			return c.once
		default:
			c.outErr = os.NewSyscallError("write", err)
			return true
		}
	}
	return true
}

// queued is how many written bytes the peer has not taken yet, as far as the system
// tells.
func (c *Conn) queued() int {
	if c.raw == nil {
		return 0
	}
	c.queue = 0
	_ = c.raw.Control(c.tryQueue)
	return c.queue
}

func (c *Conn) queueNow(fd uintptr) { c.queue = queuedBytes(int(fd)) }

// disarmWrite clears the timer, so that the next write needs none.
func (c *Conn) disarmWrite() {
	if c.writeArmed != 0 && c.writePokedNow() == nil {
		_ = c.armWrite(0)
	}
}

// Ask writes p and waits until the peer begins to answer, or until the moment until;
// what came is in the buffer, as after Fill. Before it writes it looks at the socket,
// and returns ErrUnsound if bytes there could be taken for the answer.
//
// On a plain socket this is one wait in the poller, without a first read that would
// only find no answer yet. An error is one of writing; the next Fill tells what ended
// the wait for the answer.
func (c *Conn) Ask(p []byte, until, stall time.Duration) error {
	if c.raw == nil || c.seal != nil || c.Buffered() > 0 {
		return c.WriteAll(p, stall)
	}
	c.question = p
	n, err := c.wait(until, nil)
	c.w += n
	left := c.question
	c.question = nil
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errUnwritten):
		return c.WriteAll(left, stall)
	case errors.Is(err, ErrUnsound) || len(left) > 0:
		return err
	case !errors.Is(err, ErrTimeout):
		c.unheard = err
	}
	return nil
}

// askNow is the first step of Ask. It runs after the poller was told to report what
// comes, so that no answer is missed.
func (c *Conn) askNow(fd int) bool {
	c.n = 0
	if _, err := Peek(fd); err != syscall.EAGAIN {
		c.err = ErrUnsound
		return true
	}
	n, err := writeSocket(fd, c.question)
	if err != nil {
		n = 0 // WriteAll will meet the same error and return it
	}
	if n == len(c.question) {
		c.question = nil
		return false
	}
	c.question, c.err = c.question[n:], errUnwritten
	return true
}

func (c *Conn) armWrite(until time.Duration) error {
	c.writeArmed = until
	if err := c.SetWriteDeadline(deadline(until)); err != nil {
		return err
	}
	return c.writePokedNow()
}

// writePokedNow is readPokedNow for writes.
func (c *Conn) writePokedNow() error {
	if c.poked.Load() || c.writePoked.Load() {
		return ErrPoked
	}
	return nil
}
