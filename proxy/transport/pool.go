package transport

import (
	"context"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Options describe an endpoint and how its connections are kept.
type Options struct {
	Network, Address string        // "tcp" and host:port, or "unix" and a path; a name is resolved at each dial
	TLS              *tls.Config   // nil: plain
	Connect          time.Duration // for dialling and the TLS handshake together; 0: no limit
	MaxIdle          int           // most idle connections kept
	IdleTimeout      time.Duration // how long one stays idle; 0: for ever
	Metrics          *metrics.Endpoint
	// Short is called where connecting fails for want of a descriptor or the like, and gives
	// up what can be spared; nil: nothing can.
	Short func()
}

// BufferBytes is the size of the buffer an answer is read through, and so the
// most that an answer's head may have.
const BufferBytes = 32 << 10

var buffers = wire.NewBuffers(BufferBytes)

// Pool is the connections to one endpoint. All methods are safe for concurrent use.
type Pool struct {
	options Options

	mu     sync.Mutex
	idle   []*Conn // the last one was used last; written under mu
	closed bool    // written by Close

	active atomic.Int64 // connections in use; written by Acquire and Release
}

// NewPool makes an empty pool.
func NewPool(o Options) *Pool { return &Pool{options: o} }

// Acquire takes an idle connection, or dials. With fresh it always dials. What
// it waits for ends when cancel does. Errors are *fault.Error. Whether an idle
// connection is still sound shows when Send looks at it.
func (p *Pool) Acquire(cancel *wire.Cancel, fresh bool) (*Conn, error) {
	if !fresh {
		if c := p.pop(); c != nil {
			p.active.Add(1)
			c.Reused = true
			return c, nil
		}
	}
	c, err := p.dial(cancel)
	if err == nil {
		p.options.Metrics.ConnectionOpened()
		p.active.Add(1)
	}
	return c, err
}

// pop takes the connection that was used last, unless even that one is too old.
func (p *Pool) pop() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 || p.options.IdleTimeout > 0 && wire.Now()-p.idle[last].idleSince > p.options.IdleTimeout {
		return nil // Run closes them
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put keeps c for later and reports whether it did.
func (p *Pool) put(c *Conn) bool {
	c.idleSince = wire.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.options.MaxIdle {
		return false
	}
	p.idle = append(p.idle, c)
	return true
}

// Run closes connections that have been idle for too long, until ctx ends, and
// then all of them.
func (p *Pool) Run(ctx context.Context) error {
	defer p.Close()
	if p.options.IdleTimeout == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(max(p.options.IdleTimeout/4, 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			closeAll(p.takeOlder(wire.Now() - p.options.IdleTimeout))
		}
	}
}

// takeOlder takes out the connections that have been idle since before then.
// They stand at the front: the back is where connections come and go.
func (p *Pool) takeOlder(then time.Duration) []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.idle) && p.idle[n].idleSince < then {
		n++
	}
	old := append([]*Conn(nil), p.idle[:n]...)
	p.idle = append(p.idle[:0], p.idle[n:]...)
	return old
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

// Connections are how many there are at this moment.
func (p *Pool) Connections() (idle, active int) {
	p.mu.Lock()
	idle = len(p.idle)
	p.mu.Unlock()
	return idle, int(p.active.Load())
}
