package wire

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// ErrUnsound: the peer has closed the connection, or has sent what nobody asked
// for. Nothing was written.
const ErrUnsound = told("connection closed, or with unasked bytes on it")

// told is an error in words of our own, which anybody may see.
type told string

func (t told) Error() string { return string(t) }

// Plain is the error itself.
func (t told) Plain() string { return string(t) }

var errUnwritten = errors.New("the socket did not take all at once")

// WriteAll writes p whole. Between two pieces that the peer takes, at most
// stall may pass (0: no limit), else ErrTimeout.
func (c *Conn) WriteAll(p []byte, stall time.Duration) error {
	if err := c.writePokedNow(); err != nil {
		return err
	}
	if c.sealed {
		return c.writePieces(p, stall)
	}
	until := Within(stall)
	if stall != 0 && (c.writeArmed == 0 || c.writeArmed > until) {
		if err := c.armWrite(until); err != nil {
			return err
		}
	}
	for {
		n, err := c.write(p)
		if p = p[n:]; err == nil {
			return nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if n > 0 { // the timer fired, but the peer moves
			until = Within(stall)
		} else if until != 0 && Now() >= until && c.writePokedNow() == nil {
			return ErrTimeout
		}
		if err := c.armWrite(until); err != nil {
			return err
		}
	}
}

// pieceBytes is how much is written over TLS under one deadline: one record.
const pieceBytes = 16 << 10

// writePieces is WriteAll over TLS, where a write that has timed out can never be
// resumed: each record gets a deadline of its own, which may not strike early.
func (c *Conn) writePieces(p []byte, stall time.Duration) error {
	for len(p) > 0 {
		if stall != 0 || c.writeArmed != 0 {
			if err := c.armWrite(Within(stall)); err != nil {
				return err
			}
		}
		n, err := c.Conn.Write(p[:min(len(p), pieceBytes)])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && c.writePokedNow() != nil:
			return ErrPoked
		case errors.Is(err, os.ErrDeadlineExceeded):
			return ErrTimeout
		case err != nil:
			return err
		}
		p = p[n:]
	}
	return nil
}

// write writes p and says how much of it has gone before an error.
func (c *Conn) write(p []byte) (int, error) {
	if c.raw == nil {
		return c.Conn.Write(p)
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

// writeNow writes what the socket takes at once, and asks to be called again
// when it takes more.
func (c *Conn) writeNow(fd uintptr) bool {
	for len(c.out) > 0 {
		n, err := writeSocket(int(fd), c.out)
		switch err {
		case nil:
			c.out = c.out[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			c.outErr = os.NewSyscallError("write", err)
			return true
		}
	}
	return true
}

// Ask writes p and waits until the peer begins to answer, or until the moment
// until; what came is in the buffer, as after Fill. Before it writes it looks at
// the socket: ErrUnsound if an answer could be mistaken for another's.
//
// On a plain socket this is one turn of the poller, without the read that would
// only learn that no answer is there yet. An error is one of writing; the next
// Fill tells what ended the wait for the answer.
func (c *Conn) Ask(p []byte, until, stall time.Duration) error {
	if c.raw == nil || c.Buffered() > 0 {
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

// askNow is the first turn of Ask: it runs after the poller has been told to
// report what comes, so that no answer can slip past.
func (c *Conn) askNow(fd int) bool {
	c.n = 0
	if _, err := Peek(fd); err != syscall.EAGAIN {
		c.err = ErrUnsound
		return true
	}
	n, err := writeSocket(fd, c.question)
	if err != nil {
		n = 0 // whatever it is, WriteAll meets it again and says so
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
