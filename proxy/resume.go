// Taking a stream up at another endpoint where the first has broken it off.

package proxy

import (
	"net/http"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// mostResumes is how many endpoints are asked for the rest of one stream.
const mostResumes = 2

// follow begins to follow the answer, if it may be taken up elsewhere later. Then the request
// is kept until the stream has ended.
func (x *exchange) follow() {
	a := x.current
	if x.upstream.Resume && x.reply.tail.stream == serverSent && a.answer.Status == http.StatusOK && a.kept == nil && x.held.whole {
		x.rest = payload.Follow(x.conn.Request.Path)
	}
}

// resume asks another endpoint for the rest of a stream that has failed by err. It returns nil
// when the stream goes on as the answer of the current attempt, which is another one then; or
// what to tell the client.
func (x *exchange) resume(err error) error {
	if x.rest == nil {
		return err
	}
	f := x.blame(err)
	body, ok := x.askForRest(f)
	if !ok {
		return f
	}
	first := x.current
	x.exclude(first.lease.Endpoint())
	first.end(first.outcome(classOf(f)))
	for tries := 0; tries < mostResumes && x.hold(body); tries++ {
		x.current = new(attempt)
		x.current.initialise(x)
		if x.elsewhere() != nil {
			break
		}
		if x.current.takesUp() {
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

// askForRest returns the request for the rest; false where it may not, or cannot, be asked for.
func (x *exchange) askForRest(f *fault.Error) (body []byte, ok bool) {
	if f.Source() != fault.Upstream || x.cancel.Cause() != nil || x.upstream.Retry.Attempts < 2 {
		return nil, false
	}
	p := x.peekable()
	if p == nil {
		return nil, false
	}
	defer p.release()
	if body, ok = x.rest.Rest(p.bytes); !ok {
		return nil, false
	}
	if !x.upstream.Budget.Take(wire.Now(), x.upstream.Retry.Ratio, x.upstream.underWay()) {
		x.upstream.Metrics.RetryRefused()
		return nil, false
	}
	return body, true
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

// takesUp sends what is held, and reports whether a stream comes that can go on where another
// has ended. If not, the attempt has ended.
func (a *attempt) takesUp() bool {
	x := a.x
	x.tries++
	x.exclude(a.lease.Endpoint())
	if err := a.try(); err != nil {
		a.giveUp(x.blame(err))
		return false
	}
	var t tail
	t.begin(&a.answer, a.begin(false))
	if a.answer.Status != http.StatusOK || t.stream != serverSent {
		a.end(a.outcome(balancer.Refused)) // an error, or an engine that cannot do it
		return false
	}
	a.phase = metrics.PhaseStream
	return true
}

// speaker is the attempt whose answer the client saw first.
func (x *exchange) speaker() *attempt {
	if x.spoke != nil {
		return x.spoke
	}
	return x.current
}
