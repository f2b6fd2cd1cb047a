// The answer as the client gets it: put together, framed and sent.

package proxy

import (
	"errors"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// A head may grow by a quarter ("a:" becomes "a: ") and by what a proxy adds.
var outBuffers = wire.NewBuffers(transport.BufferBytes + transport.BufferBytes/4 + 4<<10)

// reply is the answer as the client gets it, an endpoint's or our own.
type reply struct {
	conn     *front.Conn
	minor    int          // of the request's HTTP version
	headOnly bool         // the request was a HEAD
	out      *wire.Buffer // what is put together, when something is
	n        int          // bytes of out in use

	status           int  // 0 before its head is put together
	chunked, byClose bool // how the end of its body shows
	begun            bool // bytes of it may have reached the client
	waiting          bool // it was begun while its request waited, and no answer has followed yet; see waiting.go
	told             int  // the status of an error that such a reply has told in an event; 0: none
	tail             tail
	flushed          time.Duration // when the first bytes had gone; 0: none have
	written          int           // bytes that have gone
}

// open makes r the reply to what c has read.
func (r *reply) open(c *front.Conn) {
	*r = reply{conn: c, minor: 1}
	if request := c.Request; request != nil {
		r.headOnly, r.minor = request.Head(), request.Minor
	}
}

// answering says whether bytes of an answer, and not only that the request waits, may have reached the client.
func (r *reply) answering() bool { return r.begun && !r.waiting }

// frame says how the end of the body will show, if its length is not known beforehand.
func (r *reply) frame(open bool) {
	r.byClose = open && r.minor == 0
	r.chunked = open && !r.byClose
}

// take is the buffer in which the reply is put together; it is held only while that lasts.
func (r *reply) take() *wire.Buffer {
	if r.out == nil {
		r.out, r.n = outBuffers.Get(), 0
	}
	return r.out
}

// start begins a head with its status line.
func (r *reply) start(status int, reason []byte) []byte {
	r.status = status
	return appendStatusLine(r.take().B[:0], status, reason)
}

// hold makes b, which was put together in the buffer, what is sent next. Texts of others
// lie in it, so that it may have outgrown the buffer.
func (r *reply) hold(b []byte) {
	r.out.Hold(b)
	r.n = len(b)
}

// drop forgets what was put together.
func (r *reply) drop() {
	if r.out != nil {
		r.out.Release()
		r.out, r.n = nil, 0
	}
}

// room sends what was put together if n bytes more do not fit behind it, and returns the
// place for them.
func (r *reply) room(n int) ([]byte, error) {
	if r.out != nil && r.n+n > len(r.out.B) {
		if err := r.flush(); err != nil {
			return nil, err
		}
	}
	return r.take().B[:r.n], nil
}

// carry adds a piece of an endpoint's body, if there is anything of it.
func (r *reply) carry(piece []byte) error {
	if len(piece) == 0 {
		return nil
	}
	r.tail.see(piece)
	return r.put(piece)
}

// put adds a piece of the body, as a chunk where the body is chunked.
func (r *reply) put(piece []byte) error {
	const chunkFrame = 20
	b, err := r.room(len(piece) + chunkFrame)
	if err != nil {
		return err
	}
	if r.chunked {
		b = strconv.AppendInt(b, int64(len(piece)), 16)
		b = append(b, "\r\n"...)
	}
	b = append(b, piece...)
	if r.chunked {
		b = append(b, "\r\n"...)
	}
	r.hold(b)
	return nil
}

// putLastChunk ends a chunked body, with the endpoint's trailers.
func (r *reply) putLastChunk(trailer []byte) error {
	const frame = len("0\r\n\r\n")
	b, err := r.room(len(trailer) + frame)
	if err != nil {
		return err
	}
	b = append(b, "0\r\n"...)
	b = append(b, trailer...)
	r.hold(append(b, "\r\n"...))
	return nil
}

// flush sends what has been put together and gives its buffer back.
func (r *reply) flush() error {
	if r.out == nil {
		return nil
	}
	r.begun = true
	err := r.conn.Send(r.out.B[:r.n])
	r.sent(r.n)
	r.drop()
	if r.flushed == 0 {
		r.flushed = wire.Now()
	}
	return clientWriteFault(err)
}

// lastWord is how long a client may take nothing of the event that tells it of a
// cut: what it cannot take is not worth keeping the endpoint waiting for.
const lastWord = 100 * time.Millisecond

// endCut sends what was put together before a cut, if the client takes it at once.
func (r *reply) endCut() {
	_ = r.conn.SendWithin(r.out.B[:r.n], lastWord)
	r.sent(r.n)
	r.drop()
}

// sent counts bytes that have gone to the client.
func (r *reply) sent(n int) { r.written += n }

// clientWriteFault says why the client did not take what was sent, if it did not.
func clientWriteFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, wire.ErrTimeout):
		return fault.New(fault.ClientStalled, nil)
	case errors.Is(err, wire.ErrTooSlow):
		return fault.New(fault.ClientSlow, nil)
	}
	return fault.New(fault.ClientGone, err)
}
