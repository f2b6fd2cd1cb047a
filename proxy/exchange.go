package proxy

import (
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/health/shortage"
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

	upstream  *Upstream
	request   balancer.Request
	tried     [maxTried]*balancer.Endpoint // what request.Exclude points into
	id        []byte                       // X-Request-Id
	api       api                          // whose shape errors have
	held      held                         // the request's body, or its beginning
	counted   bool                         // among the requests of its client
	upload    *upload                      // the rest of it, under way
	died      *fault.Error                 // why the request was sent again on a fresh connection, if it was
	moved     bool                         // given an endpoint anew
	unreached *fault.Error                 // why, if so

	hints  hints         // of how much work it is
	queued time.Duration // waited for a slot, all attempts together
	served served        // what was learned of the last attempt

	lease            balancer.Lease // of the current or last attempt
	leased           bool
	among            int64 // requests in flight at the endpoint when it was leased, this one included
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
	line      headLine

	// Moments; 0 while not reached.
	arrived, dispatched, answered, firstByte, flushed time.Duration
	broke                                             time.Duration // writing to the endpoint failed
	// What is not overhead: how long the client took to send its head and body,
	// connecting took, and attempts took that failed.
	readTime, waited, lost time.Duration
	blocked                time.Duration // the client kept the answer from being read; measured where the endpoint's time is
	received, written      int           // bytes of the body from the client, bytes of the answer to it
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
		x.headOnly, x.minor, x.api = r.Head(), r.Minor, apiOf(r.Path)
	} else {
		x.arrived, x.minor = wire.Now(), 1
	}
	x.readTime = c.Waited
	c.Arm(&x.waiter)
	return x
}

// reset makes x ready for another exchange, keeping its memory.
func (x *exchange) reset() {
	x.cancel.Reset()
	x.generation, x.conn, x.total, x.upstream, x.upload = nil, nil, nil, nil, nil
	x.request = balancer.Request{}
	x.hints.said, x.hints.scaled, x.hints.features, x.queued = false, false, predict.Features{}, 0
	x.served, x.blocked = served{}, 0
	clear(x.tried[:])
	x.id = x.id[:0]
	x.died, x.moved, x.unreached, x.counted = nil, false, nil, false
	x.lease, x.leased, x.target, x.up = balancer.Lease{}, false, nil, nil
	x.status, x.committed, x.failure, x.whole, x.clean = 0, false, nil, false, false
	x.events = events{}
	x.chunked, x.byClose = false, false
	x.line.reset()
	x.phase = metrics.PhaseRead
	x.dispatched, x.answered, x.firstByte, x.flushed, x.broke = 0, 0, 0, 0, 0
	x.readTime, x.waited, x.lost, x.received, x.written = 0, 0, 0, 0, 0
	x.headOnly, x.minor, x.api = false, 0, openAI
}

// blame is the fault that err stands for: what cancelled the exchange, if
// something did, since then every other error is a consequence. But a time that was over
// in the queue, or before the client had sent its body, is not the endpoints'.
func (x *exchange) blame(err error) *fault.Error {
	kind := fault.As(err).Kind
	if cause := x.cancel.Cause(); cause != nil && kind != fault.TotalInQueue && kind != fault.TotalInBody {
		err = cause
	}
	f := *fault.As(err)
	if f.Kind == fault.Closed && shortage.Is(f.Err) { // the socket had no room for the request
		f.Kind = fault.Shortage
	}
	if f.Kind.Source() == fault.Upstream && x.target != nil {
		f.At(x.target.Name)
	}
	return &f
}

// Poke wakes the exchange from what it may wait for while it has a connection to
// an endpoint: that connection, and a client that takes nothing. It is for cancel
// to call, under whose lock up is set and taken away.
func (x *exchange) Poke() {
	x.up.Poke()
	x.conn.PokeWrite()
}
