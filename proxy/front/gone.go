// Telling an exchange that its client has left.

package front

// Arm asks for w.Gone to be called once when the client leaves, at once if it
// has left already. Call Disarm before w is used for anything else.
func (c *Conn) Arm(w *Waiter) {
	c.waiter.Store(w)
	if c.gone.Load() && c.waiter.CompareAndSwap(w, nil) {
		w.Gone()
	}
}

// Disarm undoes Arm. When it returns false, w.Gone has been called and may still be
// running: w must not be used again.
func (c *Conn) Disarm(w *Waiter) bool { return c.waiter.CompareAndSwap(w, nil) }

// Gone says whether the client has left.
func (c *Conn) Gone() bool { return c.gone.Load() }

// Cut says whether steelyard ended the connection, by Abandon.
func (c *Conn) Cut() bool { return c.cut.Load() }

// left records that the client has left. Any goroutine may call it.
func (c *Conn) left() {
	c.gone.Store(true)
	if w := c.waiter.Swap(nil); w != nil {
		w.Gone()
	}
	if c.blind.Load() {
		c.closeIdle() // it may not have seen the end: see canServeHere
	}
}
