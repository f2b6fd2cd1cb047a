// Connections kept alive, and requests that wait for one.

package load

import (
	"context"
	"slices"
	"sync"
	"time"
)

// maxIdle is how long a connection may rest and be used again. Engines close
// theirs after five seconds, and a request must not meet that.
const maxIdle = 4 * time.Second

// atOnce is the longest message, in bytes, that the sender writes itself: a socket has room for it.
const atOnce = 16 << 10

// pool owns the connections of a sender. Each has a goroutine that reads.
type pool struct {
	ctx         context.Context // the sender's
	host        string
	maxInFlight int
	ended       func(*request, Sample)
	readers     sync.WaitGroup

	mu       sync.Mutex // guards the rest, and the owner of each connection
	open     map[*connection]struct{}
	idle     []*connection // the one used last is the last
	inFlight int
	closed   bool
}

func newPool(ctx context.Context, host string, maxInFlight int, ended func(*request, Sample)) *pool {
	return &pool{ctx: ctx, host: host, maxInFlight: maxInFlight, ended: ended, open: map[*connection]struct{}{}}
}

// fill opens connections, at rest.
func (p *pool) fill(n int) error {
	for range n {
		c, err := p.dial()
		if err != nil {
			return err
		}
		p.add(c, nil)
	}
	return nil
}

func (p *pool) dial() (*connection, error) {
	conn, err := loopback.DialContext(p.ctx, "tcp", p.host)
	if err != nil {
		return nil, err
	}
	return newConnection(conn, p), nil
}

// add takes a new connection that carries a request, or none, and reads it.
func (p *pool) add(c *connection, r *request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.request = r
	p.open[c] = struct{}{}
	if r == nil {
		c.rests = time.Now()
		p.idle = append(p.idle, c)
	}
	if p.closed {
		c.conn.Close() // its reader sees that
	}
	p.readers.Go(c.read)
}

// send carries a request on the connection used last, or on a new one, which is
// opened apart: the sender waits for nobody.
func (p *pool) send(r *request, message []byte) {
	c, ok := p.take(r)
	switch {
	case !ok:
		p.ended(r, Sample{Failure: Overflow})
	case c != nil && len(message) <= atOnce:
		c.write(message)
	case c != nil: // it may have to wait for room in the socket
		message = slices.Clone(message)
		p.readers.Go(func() { c.write(message) })
	default:
		message = slices.Clone(message) // the sender goes on to write the next
		p.readers.Go(func() {
			c, err := p.dial()
			if err != nil {
				p.settle(r, unanswered(err))
				return
			}
			p.add(c, r)
			c.write(message)
		})
	}
}

// take gives a request the connection used last, or none when all are busy or
// have rested too long. It is not ok when too many are in flight.
func (p *pool) take(r *request) (c *connection, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inFlight >= p.maxInFlight {
		return nil, false
	}
	p.inFlight++
	if len(p.idle) == 0 {
		return nil, true
	}
	c = p.idle[len(p.idle)-1]
	if time.Since(c.rests) > maxIdle { // and so have all the others
		for _, old := range p.idle {
			old.conn.Close() // its reader takes it out
		}
		p.idle = p.idle[:0]
		return nil, true
	}
	p.idle = p.idle[:len(p.idle)-1]
	c.request = r
	return c, true
}

// carries is the request of a connection that has something to be read, or has ended. An idle one is of no more use: it is not
// given a request from that instant on, which nobody would hear of the end of.
func (p *pool) carries(c *connection) *request {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.request == nil {
		p.forget(c)
	}
	return c.request
}

// forget takes a connection out of the idle ones, under the mutex.
func (p *pool) forget(c *connection) {
	p.idle = slices.DeleteFunc(p.idle, func(other *connection) bool { return other == c })
}

// rest puts a connection back whose answer was read.
func (p *pool) rest(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.request = nil
	c.rests = time.Now()
	p.idle = append(p.idle, c)
}

// drop takes a connection out for good.
func (p *pool) drop(c *connection) {
	c.conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	p.forget(c)
}

// settle ends a request that was taken on.
func (p *pool) settle(r *request, s Sample) {
	p.mu.Lock()
	p.inFlight--
	p.mu.Unlock()
	if p.ctx.Err() != nil && s.Failure != "" {
		s.Failure, s.Err = Abandoned, nil // whatever it looks like, it was us
	}
	p.ended(r, s)
}

// abort breaks off every connection, also those to come.
func (p *pool) abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.open {
		c.conn.Close() // its reader sees that
	}
}

// close ends the pool, when nothing is sent any more.
func (p *pool) close() {
	p.abort()
	p.readers.Wait()
}
