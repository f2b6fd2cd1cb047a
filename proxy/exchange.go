package proxy

import (
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// What cancels an exchange from outside.
var (
	errClientGone   = fault.New(fault.ClientGone, nil)
	errShutdown     = fault.New(fault.Shutdown, nil)
	errTotalTimeout = fault.New(fault.TotalTimeout, nil)
)

// exchange is one client request through the proxy, all attempts included. Its
// goroutine owns it; cancel is what others may use.
type exchange struct {
	handler    *Handler
	generation *Generation
	conn       *front.Conn
	cancel     wire.Cancel
	waiter     front.Waiter
	total      *time.Timer // fires cancel; nil without timeouts.total
	phase      metrics.Phase

	upstream *Upstream
	request  balancer.Request
	tried    [maxTried]*balancer.Endpoint // what request.Exclude points into
	id       []byte                       // X-Request-Id
	held     held                         // the request's body, or its beginning
	upload   *upload                      // the rest of it, under way
	resent   bool                         // sent again on a fresh connection
	moved    bool                         // sent again to another endpoint

	lease            balancer.Lease // of the current or last attempt
	leased           bool
	target           *Target
	up               *transport.Conn
	answer           strict.Answer
	headSize         int // bytes of the answer's head in the connection's buffer
	body             transport.Body
	out              *wire.Buffer // what is being written, when something is
	n                int          // bytes of out in use
	chunked, byClose bool         // how the end of the client's body shows

	status    int   // what the client got; 0 before the commit
	committed bool  // bytes of an answer may have reached the client
	failure   error // how it ended, if not well
	whole     bool  // the answer went out to its end
	clean     bool  // the endpoint's connection may serve another request
	events    events
	headOnly  bool // the request was a HEAD
	minor     int  // of the request's HTTP version
	line      accessLine

	// Moments; 0 while not reached.
	arrived, dispatched, answered, firstByte, flushed time.Duration
	// readTime is how long the client took to send its body, waited how long
	// connecting took: neither is overhead.
	readTime, waited  time.Duration
	received, written int // bytes of the body from the client, bytes of the answer to it
}

func newExchange(h *Handler) *exchange {
	x := &exchange{handler: h}
	x.waiter.Gone = func() {
		if x.conn.Cut() {
			x.cancel.Cancel(errShutdown)
		} else {
			x.cancel.Cancel(errClientGone)
		}
	}
	return x
}

// open begins an exchange.
func (h *Handler) open(c *front.Conn) *exchange {
	x := h.exchanges.Get().(*exchange)
	x.conn, x.generation, x.arrived = c, h.generation.Load(), c.Arrived
	if r := c.Request; r != nil {
		x.headOnly, x.minor = r.Head(), r.Minor
	} else {
		x.arrived, x.minor = wire.Now(), 1
	}
	c.Arm(&x.waiter)
	return x
}

// finish ends the exchange, exactly once, for every ending.
func (x *exchange) finish() {
	if r := recover(); r != nil {
		x.panicked(r)
	}
	x.joinUpload()
	if x.whole {
		x.body.Settle()
	}
	x.release(x.clean && x.whole)
	x.dropOut()
	x.held.release(&x.handler.memory)
	x.count()
	x.log()
	recycle := x.conn.Disarm(&x.waiter)
	if x.total != nil {
		recycle = x.total.Stop() && recycle
	}
	if recycle { // else somebody may still call cancel: leave it to the collector
		x.reset()
		x.handler.exchanges.Put(x)
	}
}

// reset makes x ready for another exchange, keeping its memory.
func (x *exchange) reset() {
	x.cancel.Reset()
	x.generation, x.conn, x.total, x.upstream, x.upload = nil, nil, nil, nil, nil
	x.request.Exclude = nil
	clear(x.tried[:])
	x.id = x.id[:0]
	x.resent, x.moved = false, false
	x.lease, x.leased, x.target, x.up = balancer.Lease{}, false, nil, nil
	x.status, x.committed, x.failure, x.whole, x.clean = 0, false, nil, false, false
	x.events = events{}
	x.chunked, x.byClose = false, false
	x.line.reset()
	x.phase = metrics.PhaseQueue
	x.dispatched, x.answered, x.firstByte, x.flushed = 0, 0, 0, 0
	x.readTime, x.waited, x.received, x.written = 0, 0, 0, 0
}

// panicked answers 500 if it still can. One request is lost, the process is not.
func (x *exchange) panicked(r any) {
	x.logPanic(r)
	x.whole = false
	x.fail(fault.New(fault.Internal, fmt.Errorf("BUG: %v", r)))
}

func (x *exchange) logPanic(r any) {
	x.handler.metrics.Panicked()
	x.handler.log.Error("panic in a request", zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
}

// blame is the fault that err stands for: what cancelled the exchange, if
// something did, since then every other error is a consequence.
func (x *exchange) blame(err error) *fault.Error {
	if cause := x.cancel.Cause(); cause != nil {
		err = cause
	}
	f := *fault.As(err)
	if f.Kind.Source() == fault.Upstream && x.target != nil {
		f.At(x.target.Name)
	}
	return &f
}

// release gives the lease and the connection back. One place, so that what is
// in flight can not drift: every attempt that acquired comes through here once.
func (x *exchange) release(reusable bool) {
	x.disconnect(reusable)
	if x.leased {
		x.leased = false
		x.lease.Release(x.outcome())
	}
}

// disconnect gives the connection back, if there is one.
func (x *exchange) disconnect(reusable bool) {
	if x.up == nil {
		return
	}
	x.joinUpload()
	if x.cancel.Unbind() != nil {
		reusable = false
	}
	x.up.Release(reusable)
	x.up = nil
}

// outcome tells the balancer how the attempt ended.
func (x *exchange) outcome() balancer.Outcome {
	o := balancer.Outcome{Class: balancer.Answered, Status: x.answer.Status, Total: wire.Now() - x.arrived}
	if x.firstByte > 0 {
		o.FirstByte = x.firstByte - x.arrived
	}
	if f, ok := x.failure.(*fault.Error); ok {
		o.Class = outcomeClass(f.Kind)
	} else if x.failure != nil {
		o.Class = balancer.Refused
	}
	return o
}

func outcomeClass(k fault.Kind) balancer.OutcomeClass {
	switch k {
	case fault.Connect:
		return balancer.ConnectFailed
	case fault.ConnectTimeout, fault.FirstByteTimeout, fault.IdleTimeout, fault.TotalTimeout:
		return balancer.TimedOut
	case fault.Closed, fault.BadAnswer:
		return balancer.Failed
	case fault.Truncated:
		return balancer.Truncated
	case fault.ClientGone, fault.ClientStalled:
		return balancer.ClientGone
	}
	return balancer.Refused
}

// count puts the exchange into the metrics.
func (x *exchange) count() {
	now := wire.Now()
	if x.failure != nil {
		switch f := fault.As(x.failure); {
		case f.Kind == fault.ClientGone || f.Kind == fault.ClientStalled:
			x.status = 499
			if x.upstream != nil {
				x.upstream.Metrics.Cancelled(x.phase)
			} else {
				x.handler.unrouted.Cancelled(x.phase)
			}
		case f.Kind.Source() == fault.Upstream && x.committed && x.answered > 0 && x.target != nil:
			x.target.Metrics.Truncated()
		}
	}
	if x.target == nil {
		instruments := x.handler.unrouted
		if x.upstream != nil {
			instruments = x.upstream.Metrics
		}
		instruments.Answered(x.status)
		instruments.AddBytes(metrics.FromClient, x.received)
		instruments.AddBytes(metrics.ToClient, x.written)
		return
	}
	var firstByte, overhead, response time.Duration
	if x.status != 101 { // how long a tunnel stays says nothing
		response = now - x.arrived
	}
	if x.firstByte > 0 {
		firstByte = x.firstByte - x.arrived
		overhead = x.dispatched - x.arrived - x.readTime - x.waited + x.flushed - x.answered
	}
	x.target.Metrics.Answered(x.status, response, firstByte, overhead)
	x.target.Metrics.AddBytes(metrics.FromClient, x.received)
	x.target.Metrics.AddBytes(metrics.ToClient, x.written)
}
