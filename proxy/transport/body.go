// Reading the body of an endpoint's answer.

package transport

import (
	"errors"
	"io"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Framing is how the end of an answer's body is found (RFC 9112 6.3).
type Framing uint8

// The framings.
const (
	NoBody Framing = iota
	ByLength
	ByChunks
	ByClose
)

// Body reads the body of one answer off its connection.
type Body struct {
	Framing Framing
	conn    *Conn
	left    int64 // bytes due under ByLength
	used    int   // bytes of the connection's buffer that the last piece lies in
	coding  strict.Chunked
	ended   bool
	err     error // seen behind the last piece
}

// Begin prepares b for the body of the answer a, whose head is the first headSize
// bytes of c's buffer and stays there until the first Next. toHead says that the
// request was a HEAD.
func (b *Body) Begin(c *Conn, a *strict.Answer, headSize int, toHead bool) {
	b.conn, b.left, b.used, b.ended, b.err = c, 0, headSize, false, nil
	switch {
	case toHead || a.NoBody():
		b.Framing, b.ended = NoBody, true
	case a.Chunked:
		b.Framing = ByChunks
		b.coding.DropForbidden = true
		b.coding.Reset()
		b.skipFrame()
	case a.ContentLength >= 0:
		b.Framing, b.left, b.ended = ByLength, a.ContentLength, a.ContentLength == 0
	default:
		b.Framing = ByClose
	}
}

// skipFrame discards what is in the buffer before the next byte of data, so that
// Pending never takes a chunk's frame for data.
func (b *Body) skipFrame() {
	n, err := b.coding.Skip(b.conn.Bytes()[b.used:])
	b.used += n
	b.err = err
	b.ended = err == nil && b.coding.Ended()
}

// Ended says whether the whole body has been read.
func (b *Body) Ended() bool { return b.ended }

// Trailer is the trailer section of a chunked body that has ended.
func (b *Body) Trailer() []byte {
	if b.Framing != ByChunks {
		return nil
	}
	return b.coding.Trailer
}

// Pending says whether Next would return something, even an error, without waiting.
func (b *Body) Pending() bool { return b.ended || b.err != nil || b.conn.Buffered() > b.used }

// Settle gives up the last piece. After that the connection is clean if the body
// has ended and nothing came behind it.
func (b *Body) Settle() {
	b.conn.Discard(b.used)
	b.used = 0
}

// Next returns the next piece of the body, valid until the next call; it waits
// no longer than until. io.EOF is the proper end. Other errors are *fault.Error,
// or wire.ErrPoked when the exchange was cancelled.
func (b *Body) Next(until time.Duration) ([]byte, error) {
	for {
		b.Settle()
		switch {
		case b.err != nil:
			return nil, fault.New(fault.Truncated, b.err)
		case b.ended:
			return nil, io.EOF
		}
		if b.conn.Buffered() == 0 {
			if err := b.conn.Fill(until); err != nil {
				if b.Framing == ByClose && errors.Is(err, io.EOF) && !b.conn.cutOff() {
					b.ended = true
					return nil, io.EOF
				}
				return nil, bodyFault(err)
			}
		}
		if piece := b.take(); len(piece) > 0 {
			return piece, nil
		}
	}
}

// take returns the part of the body that is in the buffer. The bytes stay there
// until Settle, since the piece is in use.
func (b *Body) take() (piece []byte) {
	held := b.conn.Bytes()
	b.used = len(held)
	switch b.Framing {
	case ByChunks:
		if piece, b.used, b.err = b.coding.Next(held); b.err == nil {
			b.skipFrame()
		}
		return piece
	case ByLength:
		piece = held[:min(b.left, int64(len(held)))]
		b.left -= int64(len(piece))
		b.ended = b.left == 0
		b.used = len(piece)
		return piece
	}
	return held
}

func bodyFault(err error) error {
	switch {
	case errors.Is(err, wire.ErrPoked):
		return err
	case errors.Is(err, wire.ErrTimeout):
		return fault.New(fault.IdleTimeout, nil)
	case errors.Is(err, io.EOF):
		return fault.New(fault.Truncated, io.ErrUnexpectedEOF)
	}
	return fault.New(fault.Truncated, err)
}
