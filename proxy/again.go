// Whether a request is tried once more after a failure, and where.

package proxy

import (
	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/front"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// history is what became of the request before the current attempt.
type history struct {
	retry.History
	resent    *fault.Error // why it was sent again on a fresh connection, if it was
	unreached *fault.Error // why it was given an endpoint anew, if it was
	tried     [1]*balancer.Endpoint
}

// why is why another endpoint was needed, if that is so.
func (h *history) why() error {
	if h.unreached == nil {
		return nil
	}
	return h.unreached
}

// attempt sends the request to an endpoint, and to another or over another
// connection when that is safe, until the head of a final answer is there.
func (x *exchange) attempt() error {
	_ = x.cancel.Bind(clientTakes{x.conn}) // if it was cancelled before, connecting fails by it
	for {
		err := x.current.try()
		if err == nil {
			return nil
		}
		if err := x.again(err); err != nil {
			return err
		}
	}
}

// again makes the exchange ready to try once more, where that may be done after err. If
// not, it returns what to tell the client, and the attempt has ended.
func (x *exchange) again(err error) error {
	a := x.current
	x.lost += a.rewind()
	if a.upload != nil && !a.upload.finished() {
		a.phase = metrics.PhaseUpload
	}
	f := x.blame(err)
	switch verdict := retry.Default.Next(x.history.History, x.retryable(f)); verdict {
	case retry.Resend:
		x.history.Resent++
		x.history.resent = f
		a.target.Metrics.Repeated(a.whyResent())
		a.disconnect(false)
		return nil
	case retry.Move, retry.Wait:
		e, from := a.lease.Endpoint(), a.target
		a.giveUp(f) // first: by it the pool learns of the failure
		x.history.Moved++
		x.history.unreached = f
		if verdict == retry.Move {
			x.exclude(e)
		} else if !x.awaits() {
			return f
		}
		if f.Kind != fault.Shortage {
			from.Metrics.Repeated(metrics.RepeatConnect)
		}
		return a.acquire()
	}
	a.giveUp(f)
	if x.history.resent != nil && !f.Sent {
		return x.history.resent // not that the repeat could not be sent: that the first may have been read
	}
	return f
}

// retryable is what a failure means for another try.
func (x *exchange) retryable(f *fault.Error) retry.Failure {
	a, source := x.current, f.Source()
	repeatable := x.repeatable()
	return retry.Failure{
		Leased: a.leased(), Sent: f.Sent,
		Elsewhere:  source == fault.Upstream || f.Kind == fault.Shortage,
		Ended:      f.Ended,
		DiedIdle:   f.Ended && a.diedIdle(),
		Idempotent: idempotent(x.conn.Request.Method),
		Repeatable: repeatable,
		Replayable: repeatable && int64(x.held.n) <= x.generation.ReplayBytes,
	}
}

// repeatable says whether the body can be sent from its beginning: it is held
// whole, or none of it beyond what is held has been read.
func (x *exchange) repeatable() bool {
	return (x.held.whole || x.current.upload == nil) && !x.conn.Gone()
}

// exclude keeps the next attempt away from an endpoint that could not be reached.
func (x *exchange) exclude(e *balancer.Endpoint) {
	x.history.tried[0] = e
	x.request.Exclude = x.history.tried[:]
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

// clientTakes is a client that takes what it is sent, as something that a Cancel can end.
type clientTakes struct{ conn *front.Conn }

func (t clientTakes) Poke() { t.conn.PokeWrite() }
