// An exchange: all that is known of one client request, while it lasts.

package proxy

import (
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
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
	cancel     wire.Cancel // ends all attempts too
	waiter     front.Waiter
	total      *time.Timer // fires cancel; nil without timeouts.total

	asked    *Upstream // that the route names
	upstream *Upstream // that or, while it has no endpoint, its fallback
	priority *Priority
	request  balancer.Request
	id       []byte // X-Request-Id
	api      api    // whose shape errors have
	line     headLine
	held     held       // the request's body, or its beginning
	body     retry.Body // stands for it, once it was compared with others
	hints    hints      // of how much work it is
	who      Who        // asks for it, where somebody wants to know
	dues

	first    attempt    // so that most exchanges need no memory for one
	attempts []*attempt // the first and any beside it
	current  *attempt   // whose answer the client gets
	history  history
	racing   bool                  // two attempts may be under way: see hedge
	tries    int                   // times the request was sent, or was to be
	spoke    *attempt              // whose answer the client saw first, if its stream was taken up since; else nil
	rest     *payload.Continuation // of a stream that another endpoint may take up; else nil
	reply    reply
	failure  *fault.Error // how it ended, if not well

	spans
	received int    // bytes of the body from the client
	record   Record // of what finish says of it all
}

// dues are what finish has to give back beside attempts and memory.
type dues struct {
	counted  bool  // among the requests of its client
	admitted bool  // by the handler's guard
	reserved int64 // bytes of body_memory, for answers that were kept and text that is followed
	kept     int64 // bytes of the answers
}

// spans are what clocks say of an exchange, all attempts together.
type spans struct {
	arrived  time.Duration // when
	began    time.Duration // when it was given its first endpoint
	readTime time.Duration // the client took to send its head and body
	queued   time.Duration // waited for a slot
	lost     time.Duration // attempts took that failed
	ended    time.Duration // when all of the answer had gone; 0: not known
}

func newExchange(h *Handler) *exchange {
	x := &exchange{handler: h}
	x.current = &x.first
	x.first.initialise(x)
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
	x.conn, x.generation = c, h.generation.Load()
	if r := c.Request; r != nil {
		x.arrived, x.api = c.Arrived, apiOf(r.Path)
	} else {
		x.arrived, x.api = wire.Now(), openAI
	}
	x.readTime = c.Waited
	x.reply.open(c)
	c.Arm(&x.waiter)
	return x
}

// reset makes x ready for another exchange, keeping its memory.
func (x *exchange) reset() {
	x.cancel.Reset()
	x.conn, x.generation, x.total, x.asked, x.upstream, x.priority = nil, nil, nil, nil, nil, nil
	x.id = x.id[:0]
	x.line.reset()
	x.hints.reset()
	x.who.reset()
	x.body = retry.Body{}
	x.dues = dues{}
	for _, beside := range x.attempts[1:] {
		x.cancel.Leave(&beside.cancel)
	}
	clear(x.attempts[1:]) // what they kept must not stay in the pool
	x.attempts, x.current = x.attempts[:1], &x.first
	x.first.reset()
	x.history, x.tries = history{}, 0
	x.reply = reply{}
	x.spoke, x.rest = nil, nil
	x.failure = nil
	x.spans, x.received = spans{}, 0
	x.record = Record{}
}

// unbind lets nobody end what is sent to the client from now on: an answer may be sent after
// what has ended the exchange.
func (x *exchange) unbind() {
	if x.cancel.Unbind() != nil {
		x.conn.ResumeWrite()
	}
}

// bodyWait is a client that sends its body, as something that a Cancel can end.
type bodyWait struct{ conn *front.Conn }

func (w bodyWait) Poke() { w.conn.PokeRead() }

// clientTakes is a client that takes what it is sent, as something that a Cancel can end.
type clientTakes struct{ conn *front.Conn }

func (t clientTakes) Poke() { t.conn.PokeWrite() }
