// Leasing an endpoint, at once or after a wait in the queue.

package proxy

import (
	"errors"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// acquire gives the request its first endpoint, unless as many of its client's have one, or
// wait for one, as may.
func (x *exchange) acquire() error {
	if c := x.conn.Client; c != nil {
		if !c.Requests.Take(1, x.handler.Guard.OfClient(x.generation.ClientRequests)) {
			return fault.New(fault.ClientRequests, nil).Unsent().Retry(time.Second)
		}
		x.counted = true
	}
	if err := x.refusePoison(); err != nil {
		return err
	}
	a := x.current
	err := a.acquire()
	x.began = a.begun + a.waited
	x.upstream.Budget.Request(a.begun)
	return err
}

// errNoOther says that no endpoint may be picked but those that were tried.
var errNoOther = errors.New("no endpoint is eligible but those that were tried")

// acquire leases an endpoint. While all are full it waits for one.
func (a *attempt) acquire() error {
	x := a.x
	a.phase, a.begun, a.waited = metrics.PhaseQueue, wire.Now(), 0
	x.explain(&x.request, &a.why)
	lease, err := x.upstream.Pool.Acquire(&x.request)
	if x.history.Moved > 0 && errors.Is(err, balancer.ErrNoEndpoint) && x.awaits() { // there is no other
		lease, err = x.upstream.Pool.Acquire(&x.request)
	}
	if errors.Is(err, balancer.ErrFull) {
		lease, err = a.queue()
	}
	switch {
	case err == nil:
		a.lease, a.target = lease, lease.Endpoint().Via().(*Target)
		a.leasedAt = a.begun + a.waited
		x.handler.leases.Add(1)
		a.hurry()
		a.inFlight = lease.Endpoint().Load().InFlight()
		a.countPrompt(&x.request)
		return nil
	case x.cancel.Cause() != nil, err == errTooLate:
		return err
	case x.fallsBack(err):
		return a.acquire()
	case x.history.Moved > 0 && errors.Is(err, balancer.ErrNoEndpoint):
		return errNoOther
	}
	return x.unleased(err)
}

// hurry lets the client fall no further behind than an endpoint can bear that keeps a slot for it.
func (a *attempt) hurry() {
	if _, slots := a.target.Rating.Get(); slots > 0 {
		a.x.conn.Hurry(true)
	}
}

// errClientWaiting is shared, as whoever floods gets it often.
var errClientWaiting = fault.New(fault.ClientWaiting, nil).Unsent().Retry(time.Second)

// queue waits until an endpoint has a slot free, or nobody waits for the answer
// any more.
func (a *attempt) queue() (balancer.Lease, error) {
	x := a.x
	if c := x.conn.Client; c != nil {
		if !c.Waiting.Take(1, x.handler.Guard.OfClient(x.generation.ClientWaiting)) {
			return balancer.Lease{}, errClientWaiting
		}
		defer c.Waiting.Give(1)
	}
	w, err := x.upstream.Pool.Enqueue(&x.request)
	if err != nil {
		return balancer.Lease{}, err
	}
	begin := wire.Now()
	late := x.pokeLate(w, begin)
	defer func() {
		a.cancel.Unbind()
		if late == nil || late.Stop() { // else somebody may still poke it: leave it to the collector
			w.Recycle()
		}
		wait := wire.Now() - begin
		x.queued += wait
		a.waited += wait
	}()
	if a.cancel.Bind(w) != nil {
		w.Poke()
	}
	lease, err := a.wait(w)
	switch {
	case err == nil:
		x.upstream.Metrics.Queued(wire.Now() - begin)
	case errors.Is(err, balancer.ErrPoked) && x.cancel.Cause() == nil:
		x.upstream.Metrics.Unqueued(metrics.QueueTimeout)
		err = errTooLate
	case x.cancel.Cause() == errTotalTimeout:
		x.upstream.Metrics.Unqueued(metrics.QueueTimeout)
		after := x.upstream.Pool.Queue().RetryAfter(x.upstream.Total)
		err = fault.New(fault.TotalInQueue, x.history.why()).Unsent().Retry(after)
	}
	return lease, err
}

// pokeLate has the waiter of another try leave the queue when it is too late for one. It returns nil where that is never.
// What is asked for the rest of a stream has no such time; timeouts.total cancels by itself.
func (x *exchange) pokeLate(w *balancer.Waiter, now time.Duration) *time.Timer {
	within := x.upstream.Retry.Within
	if x.history.Moved == 0 || x.reply.answering() || within == 0 {
		return nil
	}
	return time.AfterFunc(x.began+within-now, w.Poke)
}

// unleased says why there is no lease, and why another was needed if that is so.
func (x *exchange) unleased(err error) error {
	if errors.Is(err, errClientWaiting) {
		return err
	}
	cause := x.history.why()
	if full, ok := errors.AsType[*balancer.QueueFull](err); ok {
		x.upstream.Metrics.Unqueued(metrics.QueueFull)
		return fault.New(fault.QueueFull, cause).Unsent().Retry(full.RetryAfter)
	}
	if late, ok := errors.AsType[*balancer.WaitedTooLong](err); ok {
		x.upstream.Metrics.Unqueued(metrics.QueueTimeout)
		if s := x.upstream.Pool.Snapshot(); cause == nil && s.Holding { // it was not for want of a slot
			cause = &ineligible{x.upstream.Name, s.Endpoints}
		}
		return fault.New(fault.QueueTimeout, cause).Unsent().Retry(late.RetryAfter)
	}
	if away, ok := errors.AsType[*balancer.Displaced](err); ok {
		x.upstream.Metrics.Unqueued(metrics.QueueDisplaced)
		return fault.New(fault.Displaced, cause).Unsent().Retry(away.RetryAfter)
	}
	if cause == nil && errors.Is(err, balancer.ErrNoEndpoint) {
		cause = &ineligible{x.upstream.Name, x.upstream.Pool.Snapshot().Endpoints}
	}
	return fault.New(fault.NoEndpoint, cause).Unsent().Retry(time.Second)
}

var queueTimeField = []byte("X-Steelyard-Queue-Ms")

// appendQueueTime says how long the request waited for a slot, in milliseconds.
func (x *exchange) appendQueueTime(b []byte) []byte {
	b = append(b, queueTimeField...)
	b = append(b, ": "...)
	b = strconv.AppendFloat(b, float64(x.queued)/float64(time.Millisecond), 'f', 3, 64)
	return append(b, "\r\n"...)
}
