package proxy

import (
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/front"
)

// HeldBytes is how much of the budget for held bodies is taken.
func (h *Handler) HeldBytes() int64 { return h.memory.InUse() }

// Quota lets one line through in a while.
type Quota = quota

// Pass says whether a line may be written now, and how many were left out since the last.
func (q *quota) Pass(now time.Duration) (leftOut int64, ok bool) { return q.pass(now) }

// errOvertaken ends an attempt beside which another was faster.
var errOvertaken = fault.New(fault.Internal, nil)

// ServeByTwo is Serve with two attempts side by side, of which the faster is the one.
func (h *Handler) ServeByTwo(c *front.Conn) {
	x := h.open(c)
	defer x.finish()
	err := x.gate()
	if err == nil {
		err = x.route()
	}
	if err == nil {
		err = x.read()
	}
	if err == nil {
		x.predict()
		x.requestID()
		err = x.acquire()
	}
	if err == nil {
		err = x.race()
	}
	if err == nil {
		err = x.relay()
	}
	if err != nil {
		x.respond(err)
	}
}

// race lets another attempt run beside the first.
func (x *exchange) race() error {
	_ = x.cancel.Bind(clientTakes{x.conn})
	other := new(attempt)
	other.initialise(x)
	if err := other.acquire(); err != nil {
		return err
	}
	type result struct {
		a   *attempt
		err error
	}
	results := make(chan result, 2)
	for _, a := range x.attempts {
		go func() { results <- result{a, a.try()} }()
	}
	faster := <-results
	x.current = faster.a
	for _, a := range x.attempts {
		if a != faster.a {
			a.cancel.Cancel(errOvertaken)
		}
	}
	<-results
	return faster.err
}
