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
}

// Begin prepares b for the body that follows the head a on c. toHead says that
// the request was a HEAD.
func (b *Body) Begin(c *Conn, a *strict.Answer, toHead bool) {
	b.conn, b.left, b.used, b.ended = c, 0, 0, false
	switch {
	case toHead || a.NoBody():
		b.Framing, b.ended = NoBody, true
	case a.Chunked:
		b.Framing = ByChunks
		b.coding.Reset()
	case a.ContentLength >= 0:
		b.Framing, b.left, b.ended = ByLength, a.ContentLength, a.ContentLength == 0
	default:
		b.Framing = ByClose
	}
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

// Pending says whether Next has something to return without waiting, or to say.
func (b *Body) Pending() bool { return b.ended || b.conn.Buffered() > b.used }

// Settle gives up the last piece. The connection is clean after it if the body
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
		if b.ended {
			return nil, io.EOF
		}
		if b.conn.Buffered() == 0 {
			if err := b.conn.Fill(until); err != nil {
				if b.Framing == ByClose && errors.Is(err, io.EOF) {
					b.ended = true
					return nil, io.EOF
				}
				return nil, bodyFault(err)
			}
		}
		piece, err := b.take()
		if len(piece) > 0 || err != nil {
			return piece, err
		}
	}
}

// take takes what the buffer holds of the body. The bytes stay in the buffer
// until Settle, since a piece of them is in use.
func (b *Body) take() (piece []byte, err error) {
	held := b.conn.Bytes()
	b.used = len(held)
	switch b.Framing {
	case ByChunks:
		piece, b.used, err = b.coding.Next(held)
		if err != nil {
			return nil, fault.New(fault.Truncated, err)
		}
		b.ended = b.coding.Ended()
		return piece, nil
	case ByLength:
		piece = held[:min(b.left, int64(len(held)))]
		b.left -= int64(len(piece))
		b.ended = b.left == 0
		b.used = len(piece)
		return piece, nil
	}
	return held, nil
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
