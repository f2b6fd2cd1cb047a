package proxy

import (
	"errors"
	"net/http"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

const (
	// maxTried is how many endpoints one request may be sent to.
	maxTried = 2
	// inlineBytes is how much of a body is written without reading the answer
	// at the same time: a socket takes as much without waiting for its peer.
	inlineBytes = 16 << 10
)

// attempt sends the request to an endpoint, and to another or over another
// connection when that is safe, until the head of a final answer is there.
func (x *exchange) attempt() error {
	if c := x.conn.Client; c != nil && !x.counted {
		if !c.Requests.Take(1, x.generation.ClientRequests) {
			return fault.New(fault.ClientRequests, nil).Unsent().Retry(time.Second)
		}
		x.counted = true
	}
	for {
		begin := wire.Now()
		x.waited = 0
		err := x.try()
		if err == nil {
			return nil
		}
		x.lost += wire.Now() - begin
		if x.upload != nil && !x.upload.finished() {
			x.phase = metrics.PhaseUpload
		}
		if _, refused := err.(*strict.Refusal); refused && x.cancel.Cause() == nil { // of the upload
			x.failure = err
			x.release(false)
			return err
		}
		f := x.blame(err)
		x.failure = f
		again, mayResend := x.mayResend(f)
		switch {
		case mayResend:
			x.died = f
			x.target.Metrics.Repeated(again)
			x.disconnect(false)
		case x.mayMove(f):
			e, from := x.lease.Endpoint(), x.target
			x.release(false) // first: by it the pool learns of the failure
			x.absolve(f)
			if !x.move(e, f) {
				return f
			}
			if f.Kind != fault.Shortage {
				from.Metrics.Repeated(metrics.RepeatConnect)
			}
		default:
			x.release(false)
			x.absolve(f)
			if x.died != nil && !f.Sent {
				f = x.died // not that the repeat could not be sent: that the first may have been read
			}
			x.failure = f
			return f
		}
		x.failure = nil
	}
}

// mayResend says whether to send the request again to the same endpoint, on a
// fresh connection: once, when a kept connection ended without a byte of an answer, and
// either it had most likely died while idle, or the method says that doing it twice is
// doing it once. Nothing has reached the client yet.
func (x *exchange) mayResend(f *fault.Error) (metrics.RepeatReason, bool) {
	switch {
	case !f.Ended || x.died != nil || !x.repeatable() || int64(x.held.n) > x.generation.ReplayBytes:
	case x.diedIdle():
		return metrics.RepeatStale, true
	case x.idempotent():
		return metrics.RepeatBroken, true
	}
	return 0, false
}

// diedIdle says whether the connection had most likely been closed before the endpoint
// could read the request. One that is reused is written to as soon as it is dispatched.
func (x *exchange) diedIdle() bool {
	end := x.broke
	if end == 0 {
		end = wire.Now()
	}
	return x.up.DiedIdle(end - x.dispatched)
}

// idempotent says whether the method is by RFC 9110 9.2.2: a proxy may repeat it by itself.
func (x *exchange) idempotent() bool {
	switch string(x.conn.Request.Method) {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// mayMove says whether the request may be given an endpoint anew: neither this one nor one
// before it has got one byte of it. A request that killed one server is not taken to the next.
func (x *exchange) mayMove(f *fault.Error) bool {
	return x.leased && !f.Sent && x.died == nil && (f.Kind.Source() == fault.Upstream || f.Kind == fault.Shortage) && x.repeatable()
}

// absolve takes the endpoint out of what is told of the request, where it failed for want of
// something of ours: no server had to do with it.
func (x *exchange) absolve(f *fault.Error) {
	if f.Kind == fault.Shortage {
		x.target = nil
	}
}

// move says whether the request goes on after e could not be reached: once to another
// endpoint, and after that to any, for as long as those who wait do so for one to be back.
func (x *exchange) move(e *balancer.Endpoint, f *fault.Error) bool {
	first := !x.moved
	x.moved, x.unreached = true, f
	if first {
		x.exclude(e)
		return true
	}
	return x.awaits()
}

// awaits says whether to wait for whichever endpoint is back first, since none can be
// reached, and lets the request have any.
func (x *exchange) awaits() bool {
	if !x.upstream.Pool.Awaits() {
		return false
	}
	x.request.Exclude = nil
	return true
}

// repeatable says whether the body can be sent from its beginning: it is held
// whole, or none of it beyond what is held has been read.
func (x *exchange) repeatable() bool {
	return (x.held.whole || x.upload == nil) && !x.conn.Gone()
}

// exclude keeps the next attempt away from an endpoint.
func (x *exchange) exclude(e *balancer.Endpoint) {
	n := len(x.request.Exclude)
	x.tried[n] = e
	x.request.Exclude = x.tried[:n+1]
}

// try is one attempt: endpoint, connection, request, head of the answer. An idle
// connection that turns out to be dead before anything was written is not worth
// a word: the next one is taken.
func (x *exchange) try() error {
	if err := x.acquire(); err != nil {
		return err
	}
	for {
		if err := x.connect(); err != nil {
			return err
		}
		x.phase = metrics.PhaseUpload
		until := wire.Within(x.upstream.FirstByte)
		sent := x.send(until)
		x.phase = metrics.PhaseFirstByte
		if !errors.Is(sent, wire.ErrUnsound) {
			return x.await(sent, until)
		}
		if reused := x.up.Reused; !reused {
			return fault.New(fault.Closed, sent).Unsent()
		}
		x.disconnect(false)
	}
}

// connect takes a connection to the leased endpoint.
func (x *exchange) connect() error {
	x.phase = metrics.PhaseConnect
	x.answer.Status, x.dispatched, x.answered, x.broke = 0, 0, 0, 0 // of an attempt before this one
	begin := wire.Now()
	up, err := x.target.Conns.Acquire(&x.cancel, x.died != nil)
	if err != nil {
		return err
	}
	x.up, x.dispatched = up, begin
	if !up.Reused {
		x.lease.Reached()
		x.dispatched = wire.Now()
		x.waited += x.dispatched - begin
	}
	return x.cancel.Bind(x)
}

// send writes the request; where nothing more is to be sent it waits for the
// answer to begin, until the moment until. A large or unfinished body goes out on
// a goroutine of its own, so that an answer that comes first is seen.
func (x *exchange) send(until time.Duration) error {
	f := forwarding{length: -1}
	r := x.conn.Request
	large := false
	switch {
	case x.held.whole && r.Chunked && len(x.conn.Trailer()) > 0:
		f.chunked, large = true, true
	case x.held.whole:
		if r.HasBody() || r.ContentLength == 0 {
			f.length = int64(x.held.n)
		}
		large = x.held.n > inlineBytes
	case r.Chunked:
		f.chunked, large = true, true
	default:
		f.length, large = r.ContentLength, true
	}
	out := x.takeOut()
	b := x.appendHead(out.B[:0], x.target, f)
	if !large {
		b = append(b, x.held.small()...)
	}
	err := x.up.Send(b, large, until, x.upstream.Idle)
	x.target.Metrics.AddBytes(metrics.ToUpstream, len(b))
	x.dropOut()
	if err == nil && large {
		return x.startUpload(f.chunked)
	}
	return err
}
