// Reading the body of a client's request.

package front

import (
	"errors"
	"io"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// drainBytes is how much of an unwanted body is read in order to keep the
// connection.
const drainBytes = 256 << 10

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// body is the state of reading one request's body.
type body struct {
	left      int64 // bytes still due under Content-Length
	chunked   bool
	coding    strict.Chunked
	expects   bool  // the client waits for 100 Continue
	abandoned bool  // the connection must be closed without reading on
	err       error // the error that ended it for good
}

func (b *body) begin(r *strict.Request) {
	b.left, b.chunked, b.expects, b.abandoned, b.err = max(r.ContentLength, 0), r.Chunked, r.Expect && r.HasBody(), false, nil
	if b.chunked {
		b.coding.Reset()
	}
}

func (b *body) ended() bool {
	if b.chunked {
		return b.coding.Ended()
	}
	return b.left == 0
}

// drainable says whether the rest of the body is worth reading.
func (b *body) drainable() bool {
	return b.err == nil && (b.ended() || !b.expects && b.left <= drainBytes)
}

// BodyEnded says whether the body has been read to its end.
func (c *Conn) BodyEnded() bool { return c.body.ended() }

// BodyHere says whether all of the body has come already: to read it needs no wait.
func (c *Conn) BodyHere() bool {
	b := &c.body
	return !b.chunked && !b.expects && b.err == nil && b.left <= int64(c.Buffered())
}

// Trailer is the trailer section of a chunked body that has ended.
func (c *Conn) Trailer() []byte { return c.body.coding.Trailer }

// ReadBody reads the next bytes of the body into p. At the proper end it returns
// io.EOF. A body that is cut short, malformed or too slow is a *strict.Refusal.
// Only one goroutine may read at a time.
func (c *Conn) ReadBody(p []byte) (int, error) {
	b := &c.body
	if err := c.Continue(); err != nil {
		return 0, b.fail(err)
	}
	for b.err == nil {
		if b.ended() {
			return 0, io.EOF
		}
		if b.chunked && b.coding.Left() == 0 || c.Buffered() > 0 {
			n, err := c.takeBuffered(p)
			if n > 0 || err != nil {
				return n, b.fail(err)
			}
			if b.ended() || c.Buffered() > 0 {
				continue
			}
		}
		if room := min(b.due(), int64(len(p))); room > 0 {
			n, err := c.waitBody(p[:room])
			b.took(n)
			return n, b.fail(err)
		}
		_, b.err = c.waitBody(nil)
	}
	return 0, b.err
}

// AwaitBody waits for the next bytes of the body, without holding a buffer.
func (c *Conn) AwaitBody() error {
	b := &c.body
	if err := c.Continue(); err != nil {
		return b.fail(err)
	}
	if b.err == nil && !b.ended() && c.Buffered() == 0 {
		_, b.err = c.waitBody(nil)
	}
	return b.err
}

// waitBody waits for more of the body and reads it into p, or into the buffer if p
// is nil.
func (c *Conn) waitBody(p []byte) (n int, err error) {
	begin := wire.Now()
	limit := time.Duration(0)
	if c.server.Body > 0 {
		limit = begin + c.server.Body
	}
	if limit = c.sending.Until(begin, limit); p != nil {
		n, err = c.ReadInto(p, limit)
	} else {
		n = -c.Buffered()
		err = c.Fill(limit)
		n += c.Buffered()
	}
	if c.sending.Rate > 0 {
		c.sending.Waited(wire.Now()-begin, n)
	}
	return n, c.bodyError(err)
}

func (b *body) fail(err error) error {
	if err != nil {
		b.err = err
	}
	return err
}

// due is how many bytes of data certainly come next on the wire.
func (b *body) due() int64 {
	if b.chunked {
		return b.coding.Left()
	}
	return b.left
}

func (b *body) took(n int) {
	if b.chunked {
		if n > 0 {
			b.coding.Took(n)
		}
	} else {
		b.left -= int64(n)
	}
}

// takeBuffered moves the part of the body that is in the buffer into p.
func (c *Conn) takeBuffered(p []byte) (n int, err error) {
	b := &c.body
	for n < len(p) && c.Buffered() > 0 && !b.ended() {
		if !b.chunked || b.coding.Left() > 0 {
			k := copy(p[n:], c.Bytes()[:min(b.due(), int64(c.Buffered()))])
			b.took(k)
			c.Discard(k)
			n += k
			continue
		}
		// Up to the next byte of data: one byte more would be data of ours.
		used, err := b.coding.Skip(c.Bytes())
		c.Discard(used)
		if err != nil {
			return n, chunkRefusal(err)
		}
	}
	return n, nil
}

func chunkRefusal(err error) error {
	switch {
	case errors.Is(err, strict.ErrBadTrailer):
		return strict.BadTrailer
	case errors.Is(err, strict.ErrExtensions):
		return strict.BigExtensions
	}
	return strict.BadChunk
}

// bodyError says what the end of the connection inside a body means: the client
// has left, or the body was cut short. The watch may not have noticed yet.
func (c *Conn) bodyError(err error) error {
	switch {
	case err == nil, errors.Is(err, wire.ErrPoked):
		return err
	case errors.Is(err, wire.ErrTimeout) && c.sending.Over():
		return strict.BodyTooSlow
	case errors.Is(err, wire.ErrTimeout):
		return strict.BodyTimeout
	case !c.server.WaitHalf || !errors.Is(err, io.EOF):
		c.left()
	}
	return strict.BodyCutShort
}

// Continue sends 100 Continue to a client that waits for it. ReadBody does so by
// itself; call this first if another goroutine will read the body. It is sent even
// if the body has arrived already, since some clients rely on it.
func (c *Conn) Continue() error {
	if !c.body.expects {
		return nil
	}
	c.body.expects = false
	return c.Send(continueLine)
}

// drain reads the rest of a small unwanted body and reports whether it could.
func (c *Conn) drain() bool {
	if c.body.ended() {
		return true
	}
	c.Served = 0 // since what follows may take longer
	var scratch [4 << 10]byte
	for read := 0; read < drainBytes; {
		n, err := c.ReadBody(scratch[:])
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		read += n
	}
	return false
}
