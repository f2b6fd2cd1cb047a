// Reading the request's body, as far as it is held.

package proxy

import (
	"errors"
	"io"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Lead is how much of a body that streams through must have come before it gets a
// slot, where there is no memory for more: slow clients wait for it where they keep nobody
// else waiting.
const Lead = 16 << 10

// read takes in the request's body as far as it is held: whole, if it is no
// larger than ReplayBytes and the budget allows it. Of a larger one not more
// than the beginning is read here, and upload streams the rest, except where it
// would have to hold a slot for that.
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
	case x.readsAhead():
		limit = x.generation.BodyBytes
	case size > limit, limit == 0:
		limit = min(x.generation.Lead, x.generation.BodyBytes)
	}
	if limit == 0 {
		return nil
	}
	if x.conn.BodyHere() {
		return x.takeIn(size, limit)
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
	return x.takeIn(size, limit)
}

// takeIn reads a body of that size, or what comes of it up to the limit.
func (x *exchange) takeIn(size, limit int64) error {
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

// readsAhead says whether a body is read before it gets a slot though it is too large to
// be held for its repeat: an endpoint begins with the whole of it only, and whoever sends it
// slowly would keep the slot from others for nothing.
func (x *exchange) readsAhead() bool {
	return x.generation.ReplayBytes > 0 && x.generation.Lead > 0 && x.upstream.slotted()
}

// slotted says whether an endpoint has a bounded number of slots.
func (u *Upstream) slotted() bool {
	return slices.ContainsFunc(u.Pool.Snapshot().Endpoints, func(e balancer.EndpointState) bool { return e.Slots > 0 })
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

// growHeld makes room for more of the body. It reports false where there is none,
// and an error where that is the client's own doing. What is read ahead of a slot leaves
// half of the memory to bodies that may have to be repeated, and is nobody's doing.
func (x *exchange) growHeld() (bool, error) {
	memory, replay := x.generation.BodyMemory, x.generation.ReplayBytes
	ahead := int64(x.held.n) > replay || x.held.n > 0 && x.conn.Request.ContentLength > replay
	if ahead {
		memory /= 2
	}
	switch c := x.conn.Client; {
	case c == nil || c.Body.Take(wire.BlockBytes, x.generation.ClientBody):
	case ahead:
		return false, nil
	default:
		return false, fault.New(fault.ClientMemory, nil).Unsent()
	}
	if x.held.grow(&x.handler.memory, memory) {
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
