// Waiting for one piece after the other in a single turn of the poller.

package wire

import (
	"errors"
	"time"
)

// Then is what FillWhile calls when bytes have come. It says whether more are waited for at
// once, and until when (0: for ever).
type Then func() (until time.Duration, more bool)

// errEnough ends a FillWhile whose Then wants no more.
var errEnough = errors.New("enough")

// FillWhile is Fill that calls then whenever bytes have come, as long as then wants more; then
// it returns nil. In between then must take all bytes, and may write to c but not read from it.
// Where FillWhile can do no more than Fill it never calls then.
//
// Fill first reads, mostly to find that nothing has come yet, since a socket reports only what
// comes after it was asked to. FillWhile asks once for all: after a read that has left nothing
// behind it waits without another. That misses an end of the connection that comes together with
// bytes: whoever uses it must learn of that by other means, and call PokeRead.
func (c *Conn) FillWhile(until time.Duration, then Then) error {
	if c.Buffered() > 0 || c.raw == nil || c.seal != nil || !reportsAll {
		return c.Fill(until)
	}
	c.then = then
	_, err := c.wait(until, nil)
	c.then = nil
	return err
}

// goesOn makes a read that then has looked at wait for more, if that is wanted. If not, c.err says
// why, and c.n is 0.
func (c *Conn) goesOn(until time.Duration, more bool) bool {
	if c.n = 0; !more || c.Buffered() > 0 {
		c.err = errEnough
		return false
	}
	c.until = until
	c.err = c.armRead(until, false)
	return c.err == nil
}
