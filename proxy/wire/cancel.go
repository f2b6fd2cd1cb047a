// Ending an exchange from another goroutine.

package wire

import (
	"slices"
	"sync"
)

// Poker is something that waits and can be woken: a Conn, or a dial under way.
// Poke must not block.
type Poker interface{ Poke() }

// Cancel ends one exchange, or one attempt of it, from outside. The exchange's goroutine
// binds what it is about to wait for; calling Cancel wakes it. The zero value is ready;
// Reset makes it ready again.
type Cancel struct {
	mu     sync.Mutex
	cause  error     // the first one stays; written under mu by any goroutine
	target Poker     // written under mu by the exchange's goroutine
	parts  []*Cancel // those that end with this one; written likewise
}

// Join makes part end when c does, at once if c has ended already. A part may also be
// ended alone. It stays joined over Reset.
func (c *Cancel) Join(part *Cancel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts = append(c.parts, part)
	if c.cause != nil {
		part.Cancel(c.cause)
	}
}

// Leave undoes Join: after it c does not touch part any more.
func (c *Cancel) Leave(part *Cancel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts = slices.DeleteFunc(c.parts, func(p *Cancel) bool { return p == part })
}

// Bind says what the exchange will wait for. If the exchange is cancelled already
// it returns the cause and binds nothing.
func (c *Cancel) Bind(p Poker) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.target = p
	}
	return c.cause
}

// Unbind ends the binding, and returns the cause if the exchange was cancelled.
// After it no Poke of the bound target is under way.
func (c *Cancel) Unbind() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target = nil
	return c.cause
}

// Cancel records why the exchange must end and wakes it. The poke happens under
// the lock, so that it can never hit a connection which has moved on to another
// exchange; it does not block.
func (c *Cancel) Cancel(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return
	}
	c.cause = cause
	if c.target != nil {
		c.target.Poke()
	}
	for _, part := range c.parts {
		part.Cancel(cause)
	}
}

// Cause is why the exchange was cancelled, or nil.
func (c *Cancel) Cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// Reset forgets the cause, here and in all parts. Nobody else may use any of them meanwhile.
func (c *Cancel) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cause, c.target = nil, nil
	for _, part := range c.parts {
		part.Reset()
	}
}
