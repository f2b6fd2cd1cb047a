// Reading the request's body, as far as it is held.

package proxy

import (
	"errors"
	"io"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Lead is how much of a body that streams through must have come before it gets a
// slot: slow clients wait for it where they keep nobody else waiting.
const Lead = 16 << 10

// read takes in the request's body as far as it is held: whole, if it is no
// larger than ReplayBytes and the budget allows it. Of a larger one not more
// than the beginning is read here; upload streams the rest.
func (x *exchange) read() error {
	r := x.conn.Request
	size := r.ContentLength // -1: not known
	limit := min(x.generation.ReplayBytes, x.generation.BodyBytes)
	switch {
	case !r.HasBody():
		x.held.whole = true
		return nil
	case size > x.generation.BodyBytes:
		return strict.BodyTooLarge
	case size > limit, limit == 0:
		limit = min(x.generation.Lead, x.generation.BodyBytes)
	}
	if limit == 0 {
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
	if err := x.conn.AwaitBody(); err != nil && !errors.Is(err, io.EOF) {
		return x.unread(err)
	}
	for {
		if len(x.held.room()) == 0 {
			if more, err := x.growHeld(); !more {
				return err
			}
		}
		n, err := x.conn.ReadBody(x.held.room())
		x.held.n += n
		x.took(n)
		switch {
		case errors.Is(err, io.EOF), int64(x.held.n) == size:
			x.held.whole = true
			return nil
		case err != nil:
			return x.unread(err)
		case int64(x.held.n) > limit, size > limit && int64(x.held.n) == limit:
			return x.overLimit()
		}
	}
}

// took counts bytes of the body.
func (x *exchange) took(n int) { x.received += n }

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

// growHeld makes room for more of the body. It reports false where there is none,
// and an error where that is the client's own doing.
func (x *exchange) growHeld() (bool, error) {
	if c := x.conn.Client; c != nil && !c.Body.Take(wire.BlockBytes, x.generation.ClientBody) {
		return false, fault.New(fault.ClientMemory, nil).Unsent()
	}
	if x.held.grow(&x.handler.memory, x.generation.BodyMemory) {
		return true, nil
	}
	if c := x.conn.Client; c != nil {
		c.Body.Give(wire.BlockBytes)
	}
	return false, nil
}

// letGo gives the memory of the body back. It may be called more than once.
func (x *exchange) letGo() {
	if c := x.conn.Client; c != nil && len(x.held.blocks) > 0 {
		c.Body.Give(int64(len(x.held.blocks)) * wire.BlockBytes)
	}
	x.held.release(&x.handler.memory)
}

// overLimit checks a body of unknown size that has become too large to hold.
func (x *exchange) overLimit() error {
	if int64(x.held.n) > x.generation.BodyBytes {
		return strict.BodyTooLarge
	}
	return nil
}
