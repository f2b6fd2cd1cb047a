// What can be told of a request that is refused before its head is whole.

package front

import (
	"bytes"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// glimpse makes what can be told of a refused request from the bytes it begins with its
// Request: the answer has the shape of the API that was called, and the log its path.
func (c *Conn) glimpse(b []byte) {
	r := c.server.requests.Get().(*Request)
	r.raw = append(r.raw[:0], b[:min(len(b), usualHead)]...)
	r.Glimpse(r.raw)
	c.Request = r
	c.body.begin(&r.Request)
	c.beginPace()
}

// firstLineTime is how long a client that is turned away has for its first line. It is on
// its way, mostly: clients send as soon as they are connected.
const firstLineTime = 100 * time.Millisecond

// peruse looks at the request of a client that is turned away.
func (c *Conn) peruse() {
	c.Arrived = wire.Now()
	for until := wire.Within(firstLineTime); bytes.IndexByte(c.Bytes(), '\n') < 0 && c.Fill(until) == nil; {
	}
	c.glimpse(c.Bytes())
}
