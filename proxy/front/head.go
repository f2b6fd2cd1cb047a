// Waiting for a request, and reading its head.

package front

import (
	"errors"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// next waits for a request and reads its head. It reports whether there is
// something to serve: a Request, or a Refusal.
func (c *Conn) next() bool {
	c.begin(0)
	if refusal := c.over; refusal != nil {
		c.state.Store(stateActive)
		c.Refusal = refusal
		c.peruse()
		return true
	}
	if !c.wakes() {
		return false
	}
	if c.stage != unread {
		return true
	}
	c.Arrived = wire.Now()
	if c.Refusal != nil {
		return true
	}
	var err error
	c.Refusal, err = c.readHead()
	return err == nil
}

// begin makes c ready for a request that arrives at that moment.
func (c *Conn) begin(arrived time.Duration) {
	c.Arrived, c.Waited, c.Served = arrived, 0, 0
	c.Refusal, c.persist, c.stage = nil, false, unread
}

// maxEmptyLines is how many empty lines may stand before a request. Some clients send one
// behind a body; a client that sends them for ever would keep a core busy until a time-out.
const maxEmptyLines = 8

// wakes waits for the first byte of a request, skipping the few empty lines that may stand
// before it (RFC 9112 2.2). It sets Refusal where there are more.
func (c *Conn) wakes() bool {
	since, until := c.idleSince.Load(), c.patience()
	if c.first {
		until, c.first = wire.Within(c.server.Header), false
	}
	for last, empty := false, 0; ; {
		for c.Buffered() >= 2 && c.Bytes()[0] == '\r' && c.Bytes()[1] == '\n' {
			c.Discard(2)
			if empty++; empty > maxEmptyLines {
				c.Refusal = strict.EmptyLines
				c.take(stateActive)
				return true
			}
		}
		if b := c.Buffered(); b > 1 || b == 1 && c.Bytes()[0] != '\r' {
			c.take(stateActive)
			return true
		}
		if !last && c.ending() {
			c.take(stateClosing)
			last, until = true, wire.Within(lastLook)
		}
		var err error
		if last || !c.canServeHere() {
			err = c.Fill(until)
		} else {
			err = c.FillWhile(until, c.here)
		}
		switch {
		case err == nil && c.stage != unread:
			return true
		case err == nil && since != c.idleSince.Load(): // requests have been served
			since, until = c.idleSince.Load(), c.patience()
		case err == nil:
		case last:
			if !c.evicted.Load() && !c.gone.Load() { // else a newcomer waits for its place, or nobody is there
				c.linger() // a request that is on its way must not be answered by a reset
			}
			return false
		case !c.ending():
			return false
		}
	}
}

// patience is the moment until which the next request is waited for.
func (c *Conn) patience() time.Duration {
	return wire.After(time.Duration(c.idleSince.Load()), c.server.IdleClient)
}

// ending says whether the connection must end as soon as no request is on its way.
func (c *Conn) ending() bool {
	return c.server.stopping.Load() || c.evicted.Load() ||
		c.state.Load() == stateClosing && (c.server.retiring.Load() || c.gone.Load())
}

// take puts an idle connection into another state. If closeIdle was first, take undoes its
// poke: a request that has come is served all the same.
func (c *Conn) take(state int32) {
	if c.state.CompareAndSwap(stateIdle, state) {
		return
	}
	c.poking.Lock()
	c.ResumeRead()
	c.poking.Unlock()
	c.state.Store(state)
}

// readHead reads to the end of the head and parses it. An error means that the
// client cannot be answered.
func (c *Conn) readHead() (*strict.Refusal, error) {
	until := time.Duration(0)
	defer c.headCame()
	for search := (strict.Search{}); ; {
		if end := search.End(c.Bytes()); end >= 0 {
			return c.takeHead(end), nil
		}
		if refusal := search.Doomed(c.Bytes()); refusal != nil {
			c.glimpse(c.Bytes())
			return refusal, nil
		}
		if until == 0 && c.server.Header > 0 {
			until = c.Arrived + c.server.Header
		}
		begin := wire.Now()
		c.headSince.CompareAndSwap(0, int64(begin))
		err := c.Fill(until)
		c.Waited += wire.Now() - begin
		switch {
		case err == nil:
		case errors.Is(err, wire.ErrTimeout):
			c.glimpse(c.Bytes())
			return strict.HeaderTimeout, nil
		case errors.Is(err, wire.ErrFull):
			c.glimpse(c.Bytes())
			return c.tooLarge(), nil
		default:
			return nil, err
		}
	}
}

// takeHead takes a head of that many bytes off the buffer and parses it.
func (c *Conn) takeHead(end int) *strict.Refusal {
	r := c.server.requests.Get().(*Request)
	r.raw = append(r.raw[:0], c.Bytes()[:end]...)
	c.Request = r
	c.Discard(end)
	refusal := r.Parse(r.raw)
	c.body.begin(&r.Request)
	c.beginPace()
	return refusal
}

// headCame says that the rest of a head is no longer waited for. Where closeSlow was first,
// its poke is taken back: what has come nevertheless is served.
func (c *Conn) headCame() {
	if c.headSince.Load() == 0 {
		return
	}
	c.poking.Lock()
	defer c.poking.Unlock()
	if c.headSince.Swap(0) != slowHead {
		return
	}
	if c.ResumeRead(); c.cut.Load() {
		c.PokeRead() // Abandon's was taken back with it
	}
}

// tooLarge is the refusal of a head that is too large: its first line is, or its fields are.
func (c *Conn) tooLarge() *strict.Refusal {
	for _, b := range c.Bytes() {
		if b == '\n' {
			return strict.HeaderTooLarge
		}
	}
	return strict.TargetTooLong
}
