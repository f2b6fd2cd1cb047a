// TLS whose silent connections hold none of our buffers.

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

// Seal is the socket under TLS. crypto/tls by itself holds a buffer while it waits for
// bytes, and cannot resume a write that has timed out. So after the handshake
// ([Conn.Secured]) a Seal never waits for bytes: its Conn waits on the socket without a
// buffer, and the Seal gives TLS the bytes that have come. And its writes end only when
// all bytes have gone, or the peer's time is up.
type Seal struct {
	net.Conn
	conn    *Conn         // the Conn above it, once the handshake is over
	stall   time.Duration // of the write under way
	closing atomic.Bool   // only close_notify may still be written, without waiting; written by Conn.Close
	ended   bool          // the socket's end has come; written by Read
	err     error         // what ended the reading; TLS gets it next
	cipher  *Buffer       // nil while no byte is held
	r, w    int           // bytes not yet decrypted are cipher.B[r:w]
	try     func(fd uintptr) bool
	first   []byte // what TLS has read first, as long as it is in its handshake
}

// NewSeal makes the seal of a TLS connection over nc.
func NewSeal(nc net.Conn) *Seal { return &Seal{Conn: nc} }

// Ended says whether the socket has come to its end. crypto/tls reports an end between
// two records like close_notify.
func (s *Seal) Ended() bool { return s.ended }

// SyscallConn returns that of the socket.
func (s *Seal) SyscallConn() (syscall.RawConn, error) {
	if c, ok := s.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// cipherBuffers hold one TLS record of the largest kind.
var cipherBuffers = NewBuffers(5 + 16<<10 + 256)

// errDry tells TLS that no more bytes are there now. It is temporary, so that TLS can
// try again.
var errDry net.Error = dry{}

type dry struct{}

func (dry) Error() string   { return "nothing to read now" }
func (dry) Timeout() bool   { return true }
func (dry) Temporary() bool { return true }

// Read is for crypto/tls.
func (s *Seal) Read(p []byte) (int, error) {
	switch {
	case s.conn == nil:
		n, err := s.Conn.Read(p)
		if s.first == nil {
			s.first = p[:n]
		}
		s.ended = s.ended || errors.Is(err, io.EOF)
		return n, err
	case s.r < s.w:
		n := copy(p, s.cipher.B[s.r:s.w])
		if s.r += n; s.r == s.w {
			s.drop()
		}
		return n, nil
	case s.err != nil:
		return 0, s.err
	}
	return 0, errDry
}

// Write is for crypto/tls.
func (s *Seal) Write(p []byte) (int, error) {
	if s.conn == nil {
		return s.Conn.Write(p)
	}
	var err error
	if s.closing.Load() {
		_, err = s.conn.writeOnce(p)
	} else {
		err = s.conn.writeSocket(p, s.stall)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *Seal) drop() {
	if s.cipher != nil {
		s.cipher.Release()
		s.cipher = nil
	}
	s.r, s.w = 0, 0
}

// Secured says that the TLS handshake is over: from now on c itself waits for the socket.
func (c *Conn) Secured() {
	if c.seal != nil && c.raw != nil {
		c.seal.conn, c.seal.try, c.seal.first = c, c.seal.readNow, nil
	}
}

// Unseal makes c the socket itself, where the peer does not speak TLS. It returns what the
// handshake has read first, and false where c cannot do without TLS. No read or write may
// be under way.
func (c *Conn) Unseal() (read []byte, ok bool) {
	if c.seal == nil || c.raw == nil {
		return nil, false
	}
	read = c.seal.first
	c.seal = nil
	return read, true
}

// readSealed decrypts what has come, or waits for more without holding a buffer.
func (c *Conn) readSealed(p []byte) (int, error) {
	s := c.seal
	for {
		b := p
		if b == nil {
			if c.buf == nil {
				c.buf = c.buffers.Get()
			}
			b = c.buf.B[c.w:]
		}
		n, err := c.Conn.Read(b)
		if n > 0 || !errors.Is(err, errDry) {
			return n, err
		}
		if c.buf != nil && c.r == c.w {
			c.Drop()
		}
		if err := c.raw.Read(s.try); err != nil {
			return 0, err
		}
	}
}

// readNow takes a buffer only for bytes that are there, as Conn.readNow does.
func (s *Seal) readNow(fd uintptr) bool {
	s.cipher = cipherBuffers.Get()
	for {
		n, err := readSocket(int(fd), s.cipher.B)
		switch {
		case err == syscall.EINTR:
			continue
		case n > 0:
			s.r, s.w = 0, n
			return true
		}
		s.drop()
		switch {
		case err == syscall.EAGAIN:
			return false
		case err != nil:
			s.err = os.NewSyscallError("read", err)
		default:
			s.err, s.ended = io.EOF, true
		}
		return true
	}
}

// Close closes the connection. It leaves out close_notify if that would have to wait.
func (c *Conn) Close() error {
	if c.seal != nil {
		c.seal.closing.Store(true)
	}
	return c.Conn.Close()
}
