// What becomes of a request whose attempt has failed.

package proxy

import (
	"errors"
	"io"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// history is what became of the request before the current attempt.
type history struct {
	retry.History
	told    bool         // the client got an interim answer
	resent  *fault.Error // why it was sent again on a fresh connection, if it was
	failure *fault.Error // why it was given an endpoint anew, if it was
	tried   []*balancer.Endpoint
	few     [4]*balancer.Endpoint // memory of tried, as long as it is enough
}

// why is why another endpoint was needed, if that is so.
func (h *history) why() error {
	if h.failure == nil {
		return nil
	}
	return h.failure
}

// attempt sends the request to an endpoint, and to another or over another
// connection where that is wise, until the head of an answer for the client is there.
func (x *exchange) attempt() error {
	_ = x.cancel.Bind(clientTakes{x.conn}) // if it was cancelled before, connecting fails by it
	for again := true; again; {
		x.tries++
		err := x.send()
		if err == nil {
			again, err = x.passesOver()
		} else {
			err = x.again(err)
		}
		if err != nil {
			return x.fallBack(err)
		}
	}
	return nil
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
	failure := x.retryable(f)
	verdict := x.upstream.Retry.Next(x.history.History, failure)
	if verdict == retry.Resend {
		x.history.Resent++
		x.history.resent = f
		a.target.Metrics.Repeated(a.whyResent())
		a.disconnect(false)
		return nil
	}
	x.note(failure)
	if failure.Broke && x.suspect(a) {
		verdict = retry.GiveUp
	}
	if verdict == retry.Move && !((!failure.Sent || failure.Ended || x.other()) && x.affords(0)) {
		verdict = retry.GiveUp
		if !failure.Sent {
			verdict = retry.Wait
		}
	}
	if verdict == retry.Move || verdict == retry.Wait {
		return x.move(verdict, failure, f)
	}
	a.giveUp(f)
	if x.history.resent != nil && !f.Sent {
		return x.history.resent // not that the repeat could not be sent: that the first may have been read
	}
	return f
}

// move takes the request to another endpoint after its attempt has failed by f.
func (x *exchange) move(verdict retry.Verdict, failure retry.Failure, f *fault.Error) error {
	a := x.current
	e, from := a.lease.Endpoint(), a.target
	a.giveUp(f) // first: by it the pool learns of the failure
	x.history.Moved++
	x.history.failure = f
	if verdict == retry.Move {
		x.exclude(e)
	} else if !x.awaits() {
		return f
	}
	var err error
	if f.Sent {
		err = x.backOff()
	}
	if err == nil {
		err = x.elsewhere()
	}
	if err == errNoOther && failure.Ended { // a kept connection broke: the same endpoint may do, on a fresh one
		x.history.Resent++
		x.request.Exclude = nil
		err = x.elsewhere()
	}
	switch {
	case err == nil && f.Kind != fault.Shortage:
		from.Metrics.Repeated(whyMoved(f))
	case err != nil && f.Sent && x.cancel.Cause() == nil:
		return f // which says that the request may have been read
	}
	return err
}

// elsewhere gives the current attempt another endpoint.
func (x *exchange) elsewhere() error {
	err := x.current.acquire()
	switch cause := x.cancel.Cause(); {
	case err == nil:
		return nil
	case cause != nil && x.history.Read > 0:
		return cause // not that no endpoint got the request
	}
	return err
}

// note remembers of a failed attempt what counts for the next.
func (x *exchange) note(f retry.Failure) {
	h := &x.history
	if h.Moved > 0 {
		x.upstream.Budget.Failed(wire.Now())
	}
	if f.Sent {
		h.Read++
	}
	if f.Broke {
		h.Broke++
	}
}

// retryable is what a failure means for another try.
func (x *exchange) retryable(f *fault.Error) retry.Failure {
	a, source := x.current, f.Source()
	failure := x.repeats()
	failure.Leased, failure.Sent = a.leased(), f.Sent
	failure.Elsewhere = (source == fault.Upstream || f.Kind == fault.Shortage) && x.cancel.Cause() == nil
	failure.Ended = f.Ended
	failure.DiedIdle = f.Ended && a.diedIdle()
	failure.Broke = brokeOff(f) && !failure.DiedIdle
	return failure
}

// repeats is what the request itself says of another try.
func (x *exchange) repeats() retry.Failure {
	repeatable := x.repeatable()
	return retry.Failure{
		Idempotent: x.idempotent(),
		Repeatable: repeatable,
		Replayable: repeatable && int64(x.held.n) <= x.generation.ReplayBytes,
	}
}

// repeatable says whether the body can be sent from its beginning, since it is held
// whole, or none of it beyond what is held has been read; and the client has got nothing yet.
func (x *exchange) repeatable() bool {
	return (x.held.whole || x.current.upload == nil) && !x.conn.Gone() && !x.history.told
}

// exclude keeps the attempts to come away from an endpoint that was tried.
func (x *exchange) exclude(e *balancer.Endpoint) {
	h := &x.history
	if h.tried == nil {
		h.tried = h.few[:0]
	}
	h.tried = append(h.tried, e)
	x.request.Exclude = h.tried
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

// brokeOff says whether the endpoint ended the connection, or its own life, over a request that
// it may have read.
func brokeOff(f *fault.Error) bool {
	return f.Sent && (f.Kind == fault.Closed || f.Kind == fault.Forsaken || f.Kind == fault.BadAnswer && errors.Is(f.Err, io.ErrUnexpectedEOF))
}

// whyResent is why the request may go out again though it was written to a connection.
func (a *attempt) whyResent() metrics.RepeatReason {
	if a.diedIdle() {
		return metrics.RepeatStale
	}
	return metrics.RepeatBroken
}

// diedIdle says whether the connection had most likely been closed before the endpoint
// could read the request. One that is reused is written to as soon as it is dispatched.
func (a *attempt) diedIdle() bool {
	end := a.broke
	if end == 0 {
		end = wire.Now()
	}
	return a.up.DiedIdle(end - a.dispatched)
}

// whyMoved is why the request went to another endpoint.
func whyMoved(f *fault.Error) metrics.RepeatReason {
	switch {
	case f.Kind == fault.Connect || f.Kind == fault.ConnectTimeout || !f.Sent:
		return metrics.RepeatConnect
	case f.Kind == fault.FirstByteTimeout || f.Kind == fault.IdleTimeout || f.Kind == fault.Forsaken:
		return metrics.RepeatSilent
	}
	return metrics.RepeatBroken
}
