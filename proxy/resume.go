// Taking a stream up at another endpoint where the first has broken it off.

package proxy

import (
	"net/http"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// follow begins to follow the answer, if it may be taken up elsewhere later. Then the request
// is kept until the stream has ended.
func (x *exchange) follow() {
	a := x.current
	if x.upstream.Resume && x.reply.tail.stream == serverSent && a.answer.Status == http.StatusOK && a.kept == nil && x.held.whole {
		x.rest = payload.Follow(x.conn.Request.Path)
	}
}

// followed is what the client gets of a piece of a stream that is followed. Where there is no memory for its text, it is
// not taken up any more.
func (x *exchange) followed(piece []byte) []byte {
	piece = x.rest.Pass(piece)
	if !x.keeps(x.kept + x.rest.Kept()) {
		x.rest.GiveUp()
	}
	return piece
}

// resume asks another endpoint for the rest of a stream that has failed by err. It returns nil
// when the stream goes on as the answer of the current attempt, which is another one then; or
// what to tell the client.
func (x *exchange) resume(err error) error {
	if x.rest == nil {
		return err
	}
	f := x.blame(err)
	if f.Source() != fault.Upstream || x.cancel.Cause() != nil {
		return f
	}
	body, ok := x.restRequest()
	if !ok {
		return f
	}
	if err := x.reply.flush(); err != nil {
		return err
	}
	first := x.current
	_, _ = x.fingerprint() // while the body is the client's
	for failed := f; x.asksOn(failed) && x.hold(body); {
		if x.current.leased() {
			x.exclude(x.current.lease.Endpoint())
			x.current.end(x.current.outcome(classOf(f)))
		}
		x.current = new(attempt)
		x.current.initialise(x)
		if x.elsewhere() != nil {
			break
		}
		if failed = x.current.takesUp(); failed == nil {
			first.target.Metrics.Repeated(metrics.RepeatCut)
			if x.spoke == nil {
				x.spoke = first
			}
			return nil
		}
	}
	x.current = first // whose failure the client hears of
	return f
}

// restRequest returns the body of a request for the rest; false where it cannot be asked for.
func (x *exchange) restRequest() (body []byte, ok bool) {
	p := x.peekable()
	if p == nil {
		return nil, false
	}
	defer p.release()
	return x.rest.Rest(p.whole(&x.held))
}

// asksOn says whether one more endpoint may be asked for the rest after the current attempt has failed. What holds of
// every retry holds of these, but for the time that they may begin in: a stream takes long.
func (x *exchange) asksOn(f *fault.Error) bool {
	failure := retry.Failure{Leased: true, Sent: f.Sent, Elsewhere: true, Idempotent: true, Repeatable: true, Replayable: true}
	failure.Broke = f.Kind == fault.Truncated || brokeOff(f)
	verdict := x.upstream.Retry.Next(x.history.History, failure)
	x.note(failure)
	if failure.Broke && x.suspect(x.current) || verdict != retry.Move || x.cancel.Cause() != nil || !x.other() || !x.pays() {
		return false
	}
	x.history.Moved++
	return true
}

// hold puts another body in the place of the one that is held.
func (x *exchange) hold(body []byte) bool {
	x.current.joinUpload()
	x.letGo()
	for len(body) > 0 {
		if more, err := x.growHeld(); !more || err != nil {
			return false
		}
		n := copy(x.held.room(), body)
		x.held.n += n
		body = body[n:]
	}
	x.held.whole = true
	return true
}

const errNoStream = fault.Reason("it did not go on with the stream")

// takesUp sends what is held. It returns nil if a stream comes that can go on where another
// has ended; else why not, and the attempt has ended.
func (a *attempt) takesUp() *fault.Error {
	x := a.x
	x.tries++
	x.exclude(a.lease.Endpoint())
	if err := a.try(); err != nil {
		f := x.blame(err)
		a.giveUp(f)
		return f
	}
	var t tail
	t.begin(&a.answer, a.begin(false))
	if a.answer.Status != http.StatusOK || t.stream != serverSent {
		a.end(a.outcome(balancer.Refused)) // an error, or an engine that cannot do it
		return fault.New(fault.BadAnswer, errNoStream)
	}
	a.phase = metrics.PhaseStream
	a.countTokens(t.stream)
	return nil
}

// speaker is the attempt whose answer the client saw first.
func (x *exchange) speaker() *attempt {
	if x.spoke != nil {
		return x.spoke
	}
	return x.current
}
