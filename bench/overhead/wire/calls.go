// A client that asks on a fixed number of connections.

//go:build linux

package wire

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Opening goes in steps smaller than any proxy's listen queue.
const (
	openStep  = 64
	openLimit = 10 * time.Second // for one step
)

// Calls is a client with a fixed number of keep-alive connections, one request at a time on each.
type Calls struct {
	Answered int
	// Times is how long each answer took from the request's intended start, in nanoseconds; kept while it has
	// capacity left.
	Times []int64

	loop    *Loop
	request []byte
	all     []*call
	free    fifo[*call] // oldest first, so that all connections take part at any rate
	waiting fifo[int64] // intended starts of requests that found no free connection
	again   bool        // closed loop: an answered connection asks at once
}

// call is one connection.
type call struct {
	of   *Calls
	fd   int
	due  int64  // intended start of the request under way
	part []byte // of an answer whose rest has not arrived
	busy bool
}

// Dial opens n connections and has one request answered on each.
func (l *Loop) Dial(ctx context.Context, addr netip.AddrPort, n int) (*Calls, error) {
	c := &Calls{loop: l, request: requestMessage(addr.String())}
	for len(c.all) < n {
		for range min(openStep, n-len(c.all)) {
			one := &call{of: c}
			fd, err := l.dial(addr, one)
			if err != nil {
				return c, err
			}
			one.fd = fd
			c.all = append(c.all, one)
			c.send(one, l.Now())
		}
		if err := c.Settle(ctx, openLimit); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Ask sends a request that was due at the given time, now or as soon as a connection is free.
func (c *Calls) Ask(due int64) {
	if one, ok := c.free.pop(); ok {
		c.send(one, due)
	} else {
		c.waiting.push(due)
	}
}

// Saturate makes every connection ask, and ask again as soon as it is answered, until Settle.
func (c *Calls) Saturate() {
	c.again = true
	for one, ok := c.free.pop(); ok; one, ok = c.free.pop() {
		c.send(one, c.loop.Now())
	}
}

// Settle waits until everything asked is answered.
func (c *Calls) Settle(ctx context.Context, limit time.Duration) error {
	c.again = false
	return c.loop.RunUntil(ctx, limit, "wait for outstanding answers", func() bool {
		return c.free.len() == len(c.all) && c.waiting.len() == 0
	})
}

// Close resets the connections.
func (c *Calls) Close() {
	for _, one := range c.all {
		c.loop.drop(one.fd)
	}
	c.all = nil
}

func (c *Calls) send(one *call, due int64) {
	one.due, one.busy = due, true
	if err := write(one.fd, c.request); err != nil {
		c.loop.fail(fmt.Errorf("write request: %w", err))
	}
}

func (one *call) ready() {
	c := one.of
	data, err := c.loop.read(one.fd)
	switch {
	case err != nil:
		c.loop.fail(fmt.Errorf("read answer after %d good ones: connection lost: %w", c.Answered, err))
		c.loop.drop(one.fd)
		return
	case len(data) == 0:
		return
	case !one.busy:
		c.loop.fail(fmt.Errorf("read answer: %q came unasked", data))
		return
	}
	if len(one.part) > 0 {
		one.part = append(one.part, data...)
		data = one.part
	}
	done, err := checkAnswer(data)
	switch {
	case err != nil:
		c.loop.fail(fmt.Errorf("check answer: %w: %q", err, data))
	case done:
		one.part = one.part[:0]
		c.answered(one)
	case len(one.part) == 0:
		one.part = append(one.part, data...)
	}
}

func (c *Calls) answered(one *call) {
	now := c.loop.Now()
	c.Answered++
	if len(c.Times) < cap(c.Times) {
		c.Times = append(c.Times, now-one.due)
	}
	if c.again {
		c.send(one, now)
	} else if due, ok := c.waiting.pop(); ok {
		c.send(one, due)
	} else {
		one.busy = false
		c.free.push(one)
	}
}
