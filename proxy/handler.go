// The handler, and the life of a request as a list of its steps.

package proxy

import (
	"bytes"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/admission"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Handler serves requests by the rules of the current generation. Safe for
// concurrent use.
type Handler struct {
	log        *zap.Logger
	metrics    *metrics.Registry
	recorders  []Recorder      // in the order in which they are told
	Guard      admission.Guard // whoever has the handler runs it
	memory     wire.Memory
	warnings   warnings
	pseudonym  []byte                     // of this process in Via; another one's is never the same
	leases     atomic.Int64               // that attempts hold; written by acquire and end
	models     modelNames                 // that requests ask for
	exchanges  sync.Pool                  // of *exchange
	generation atomic.Pointer[Generation] // written by Use
}

// NewHandler makes a handler; Use must be called before Serve. What else than the metrics is
// to know of requests that have ended is told in this order.
func NewHandler(log *zap.Logger, m *metrics.Registry, others ...Recorder) *Handler {
	h := &Handler{log: log, metrics: m, recorders: append([]Recorder{newCounter(m)}, others...)}
	h.pseudonym = append([]byte("steelyard-"), newRequestID(nil)[:16]...)
	h.exchanges.New = func() any { return newExchange(h) }
	return h
}

// MemoryInUse is how many bytes the process holds and needs, bodies included. It is for Guard.
func (h *Handler) MemoryInUse() int64 { return admission.HeapInUse() + h.memory.InUse() }

// HeldBytes is how much of limits.body_memory is in use, by bodies and by answers that are kept.
func (h *Handler) HeldBytes() int64 { return h.memory.InUse() + h.memory.Reserved() }

// Leases is how many endpoints are leased by attempts now: what all loads together should count.
func (h *Handler) Leases() int64 { return h.leases.Load() }

// Use makes g the generation of all requests that begin from now on.
func (h *Handler) Use(g *Generation) { h.generation.Store(g) }

// Serve serves the request that c has read. It is the life of a request; LIFE.md
// has the same list.
func (h *Handler) Serve(c *front.Conn) {
	x := h.open(c)   // 1
	defer x.finish() // 10, for every ending
	err := x.gate()  // 2
	if err == nil {
		err = x.route() // 3
	}
	if err == nil {
		err = x.admit() // 3
	}
	if err == nil {
		err = x.read() // 4
	}
	if err == nil {
		x.predict()       // 5
		err = x.acquire() // 6
	}
	if err == nil {
		err = x.attempt() // 7
	}
	if err == nil {
		err = x.relay() // 8, 9
	}
	if err != nil {
		x.respond(err)
	}
}

// gate refuses what the wire said unclearly, and what may not go further.
func (x *exchange) gate() error {
	if x.conn.Refusal != nil {
		return x.conn.Refusal
	}
	r := x.conn.Request
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Kind == strict.Via && bytes.Contains(f.Value, x.handler.pseudonym) {
			return fault.New(fault.Loop, nil).Unsent()
		}
	}
	if string(r.Method) == http.MethodOptions && isZero(r.Get("max-forwards")) {
		return errFinalRecipient
	}
	return nil
}

// isZero says whether a number is zero, which may have several digits.
func isZero(digits []byte) bool {
	for _, c := range digits {
		if c != '0' {
			return false
		}
	}
	return len(digits) > 0
}

// route finds the upstream.
func (x *exchange) route() error {
	r := x.conn.Request
	n := x.generation.Routes.Match(r.Host, r.Path)
	if n < 0 {
		return fault.New(fault.NoRoute, nil).Unsent()
	}
	x.asked = x.generation.Upstreams[n]
	x.upstream, x.priority = x.asked, &x.generation.Priority[n]
	if total := x.upstream.Total; total > 0 {
		x.total = time.AfterFunc(total, func() { x.cancel.Cancel(errTotalTimeout) })
	}
	return nil
}

var (
	errOverloaded  = fault.New(fault.Overloaded, nil).Unsent().Retry(time.Second)
	errShed        = fault.New(fault.Shed, nil).Unsent().Retry(shedRetry)
	errMemoryLimit = fault.New(fault.MemoryLimit, nil).Unsent().Retry(time.Second)
)

// shedRetry is when clients that are turned away for their priority may come again. What is shed for lasts
// minutes.
const shedRetry = 10 * time.Second

// admit turns the request away where the process has all that it can bear, or its priority is shed.
func (x *exchange) admit() error {
	if x.asked.Shedding.Turns(x.priority.Level) {
		return errShed
	}
	switch x.handler.Guard.Enter(x.priority.Class) {
	case admission.ManyRequests:
		return errOverloaded
	case admission.LittleMemory:
		return errMemoryLimit
	}
	x.admitted = true
	return nil
}
