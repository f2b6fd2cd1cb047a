package proxy

import (
	"errors"
	"io"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// read takes in the request's body as far as it is held: whole, if it is no
// larger than ReplayBytes and the budget allows it. Of a larger one not more
// than the beginning is read here; upload streams the rest.
func (x *exchange) read() error {
	r := x.conn.Request
	limit := min(x.generation.ReplayBytes, x.generation.BodyBytes)
	switch {
	case !r.HasBody():
		x.held.whole = true
		return nil
	case r.ContentLength > x.generation.BodyBytes:
		return strict.BodyTooLarge
	case r.ContentLength > limit:
		return nil
	}
	if err := x.cancel.Bind(bodyWait{x.conn}); err != nil {
		return x.unread(err)
	}
	begin := wire.Now()
	defer func() {
		x.readTime += wire.Now() - begin
		if x.cancel.Unbind() != nil {
			x.conn.ResumeRead() // an answer may still be sent, and the connection linger
		}
	}()
	size := int(r.ContentLength) // -1: not known
	for {
		if x.held.n == x.held.room() && !x.growHeld(size) {
			return nil
		}
		n, err := x.conn.ReadBody((*x.held.buf)[x.held.n:])
		x.held.n += n
		x.received += n
		switch {
		case errors.Is(err, io.EOF), x.held.n == size:
			x.held.whole = true
			return nil
		case err != nil:
			return x.unread(err)
		case int64(x.held.n) > limit:
			return x.overLimit()
		}
	}
}

// errTotalInBody is errTotalTimeout where it was the client that took the time.
var errTotalInBody = fault.New(fault.TotalInBody, nil)

// unread says why the body was not read to its end, where err is what came of it.
func (x *exchange) unread(err error) error {
	if x.cancel.Cause() == errTotalTimeout {
		return errTotalInBody
	}
	return err
}

// bodyWait is a client that sends its body, as something that a Cancel can end.
type bodyWait struct{ conn *front.Conn }

func (w bodyWait) Poke() { w.conn.PokeRead() }

// growHeld makes room for a body of that size, or for twice of what there is.
func (x *exchange) growHeld(size int) bool {
	if size < 0 {
		size = max(2*x.held.n, firstRoom)
	}
	return x.held.grow(size, &x.handler.memory, x.generation.BodyMemory)
}

// firstRoom is what a body of unknown size gets first, in bytes.
const firstRoom = 16 << 10

// overLimit checks a body of unknown size that has become too large to hold.
func (x *exchange) overLimit() error {
	if int64(x.held.n) > x.generation.BodyBytes {
		return strict.BodyTooLarge
	}
	return nil
}
