// The pool of kept connections to one endpoint.

package transport

import (
	"context"
	"crypto/tls"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/health/names"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Options describe an endpoint and how its connections are kept.
type Options struct {
	Network, Address string        // "tcp" and host:port, or "unix" and a path
	Where            *names.Name   // the name in Address, run by its maker; nil: it has none
	TLS              *tls.Config   // nil: plain
	Connect          time.Duration // for dialling and the TLS handshake together; 0: no limit
	MaxIdle          int           // most idle connections kept
	IdleTimeout      time.Duration // how long one stays idle; 0: for ever
	MaxAge           time.Duration // older ones are not kept; 0: no limit
	Metrics          *metrics.Endpoint
	// Short is called when connecting fails for want of a descriptor or the like, and frees
	// what it can; nil: nothing.
	Short func()
}

// BufferBytes is the size of the buffer through which an answer is read, and thus
// the largest head of an answer.
const BufferBytes = 32 << 10

var buffers = wire.NewBuffers(BufferBytes)

// Pool is the connections to one endpoint. All methods are safe for concurrent use.
type Pool struct {
	options Options

	mu     sync.Mutex
	idle   []*Conn // the one used last is at the end; written under mu
	used   *Conn   // the list of those in use, linked by next; written under mu
	active int     // how many are in use; written under mu
	closed bool    // written by Close
}

// NewPool makes an empty pool.
func NewPool(o Options) *Pool {
	return &Pool{options: o}
}

// Acquire takes a connection that is idle at the moment now, or dials; with fresh it always
// dials. cancel ends the wait. Errors are *fault.Error. An idle connection may have died:
// Send looks at it.
func (p *Pool) Acquire(cancel *wire.Cancel, fresh bool, now time.Duration) (*Conn, error) {
	if !fresh {
		if c := p.pop(now); c != nil {
			c.Reused, c.Done = true, 0
			return c, nil
		}
	}
	c, err := p.dial(cancel)
	if err == nil {
		p.options.Metrics.ConnectionOpened()
		p.mu.Lock()
		p.use(c)
		p.mu.Unlock()
	}
	return c, err
}

// pop takes the connection that was used last, unless even that one is too old.
func (p *Pool) pop(now time.Duration) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 || p.options.IdleTimeout > 0 && now-p.idle[last].Done > p.options.IdleTimeout {
		return nil // Run closes them
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	p.use(c)
	return c
}

// use adds c to the list of those in use. The caller holds mu.
func (p *Pool) use(c *Conn) {
	p.active++
	if c.next = p.used; c.next != nil {
		c.next.previous = c
	}
	p.used = c
}

// put ends the use of c, and reports whether it has kept c for later.
func (p *Pool) put(c *Conn, reusable bool) bool {
	if reusable && c.Done == 0 {
		c.Done = wire.Now()
	}
	reusable = reusable && !p.outdated(c, c.Done)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active--
	if c.previous != nil {
		c.previous.next = c.next
	} else {
		p.used = c.next
	}
	if c.next != nil {
		c.next.previous = c.previous
	}
	c.next, c.previous = nil, nil
	if !reusable || p.closed || len(p.idle) >= p.options.MaxIdle {
		return false
	}
	p.idle = append(p.idle, c)
	return true
}

// outdated says whether c must not be used any more: it is too old, or leads to an address
// that the endpoint's name has left.
func (p *Pool) outdated(c *Conn, now time.Duration) bool {
	return c.expires != 0 && now >= c.expires || !p.options.Where.Leads(c.address)
}

// Forsake ends the wait on all connections in use on which no byte of an answer has come,
// and says how many there were. Streams that have begun go on.
func (p *Pool) Forsake() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := p.used; c != nil; c = c.next {
		if c.hearing.CompareAndSwap(asked, forsaken) {
			c.Poke()
			n++
		}
	}
	return n
}

// Run closes connections that have been idle for too long or are outdated, until ctx ends.
// Then it closes all of them.
func (p *Pool) Run(ctx context.Context) error {
	defer p.Close()
	every := time.Second
	if p.options.IdleTimeout > 0 {
		every = min(max(p.options.IdleTimeout/4, 100*time.Millisecond), every)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			closeAll(p.takeUnfit(wire.Now()))
		}
	}
}

// takeUnfit takes out the idle connections that must not be used any more.
func (p *Pool) takeUnfit(now time.Duration) (unfit []*Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.idle[:0]
	for _, c := range p.idle {
		if p.options.IdleTimeout > 0 && now-c.Done > p.options.IdleTimeout || p.outdated(c, now) {
			unfit = append(unfit, c)
		} else {
			kept = append(kept, c)
		}
	}
	clear(p.idle[len(kept):])
	p.idle = kept
	return unfit
}

// CloseIdle closes the idle connections.
func (p *Pool) CloseIdle() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	closeAll(idle)
}

// Close closes the idle connections; those in use are closed on their release.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	closeAll(idle)
}

func closeAll(conns []*Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// Connections says how many there are now.
func (p *Pool) Connections() (idle, active int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle), p.active
}
