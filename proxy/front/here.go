// Serving requests one after the other in a single turn of the poller.

package front

import (
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// stage is how far a request has come since the last wait began.
type stage uint8

const (
	unread   stage = iota
	read           // its head was taken
	answered       // it was served, and the connection is to be settled
)

// canServeHere says whether serveHere may be used, which needs to be told when the client ends
// the connection, or its half: see wire.FillWhile.
func (c *Conn) canServeHere() bool { return c.fd >= 0 && !c.server.WaitHalf }

// serveHere serves the request that has come, if all of it has, and says until when the next is
// waited for. So each is spared the read that would only find that the next has not come yet. What
// needs more of the client than is there it leaves to the usual way.
func (c *Conn) serveHere() (until time.Duration, more bool) {
	var search strict.Search
	end := search.End(c.Bytes())
	if end < 0 || c.Bytes()[0] == '\r' || c.ending() {
		return 0, false
	}
	c.take(stateActive)
	c.begin(wire.Now())
	c.stage, c.Refusal = read, c.takeHead(end)
	if c.Refusal != nil || c.Request.Upgrade != nil || !c.BodyHere() {
		return 0, false
	}
	c.stage = answered
	c.server.Handler(c)
	if !c.persist || c.body.abandoned || !c.body.ended() {
		return 0, false
	}
	c.ReleaseRequest()
	c.rest()
	c.stage = unread
	if !c.blind.Load() {
		c.blind.Store(true) // before the look at gone: left does both the other way round
	}
	return c.patience(), !c.ending() && !c.gone.Load()
}
