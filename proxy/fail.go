package proxy

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// errAnswered says that the request needs nothing more: steelyard was its final
// recipient.
var errAnswered = errors.New("answered")

// fail ends an exchange that did not come to its proper end: with an error while
// the client has got nothing yet, after that with a cut that cannot be taken for
// an end.
func (x *exchange) fail(err error) {
	if errors.Is(err, errAnswered) {
		return
	}
	// Not errors.As: in the chain of a fault it is the endpoint's answer that was refused.
	if refusal, ok := err.(*strict.Refusal); ok && x.cancel.Cause() == nil {
		x.refuse(refusal)
		return
	}
	f := x.blame(err)
	x.failure = f
	if x.cancel.Cause() != nil {
		x.conn.ResumeWrite()
	}
	switch {
	case f.Kind.Status() == 499:
		x.conn.Abort(x.committed)
	case x.committed:
		x.complain(f)
		x.cut(f)
	default:
		x.status = f.Kind.Status()
		x.complain(f)
		p := x.problem(f)
		x.answerError(x.status, x.failFields(f)+x.api.fields(p), x.api.body(p), f.Kind.Source() != fault.Client || f.Kind == fault.NoRoute)
	}
}

// failFields are the fields of an answer of our own that depend on how the request failed.
func (x *exchange) failFields(f *fault.Error) string {
	var b []byte
	if x.status == http.StatusServiceUnavailable || f.RetryAfter > 0 {
		b = append(b, "Retry-After: "...)
		b = strconv.AppendInt(b, max(int64(math.Ceil(f.RetryAfter.Seconds())), 1), 10)
		b = append(b, "\r\n"...)
	}
	if x.upstream != nil && x.upstream.QueueTime {
		b = x.appendQueueTime(b)
	}
	return string(b)
}

// refuse answers a request that the gate or the reading of its body refused.
func (x *exchange) refuse(r *strict.Refusal) {
	x.failure = r
	if x.committed { // the upload failed behind an answer that had begun
		x.conn.Abort(true)
		return
	}
	x.status = r.Status
	if r.Status >= 500 {
		if leftOut, ok := x.handler.warnings.pass(warning{code: r.Code}); ok {
			x.handler.log.Warn("request refused", append(x.about(),
				zap.Int("status", r.Status), zap.String("code", r.Code), zap.String("reason", r.Reason), leftOut)...)
		}
	}
	var extra string
	switch r.Status {
	case http.StatusMethodNotAllowed:
		extra = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
	case http.StatusServiceUnavailable:
		extra = "Retry-After: 1\r\n"
	}
	p := x.problemOf(r)
	x.answerError(r.Status, extra+x.api.fields(p), x.api.body(p), false)
}

// answerError sends an answer of our own. extra is whole field lines; keep is
// whether the connection is good for another request.
func (x *exchange) answerError(status int, extra string, body []byte, keep bool) {
	x.joinUpload()
	x.dropOut()
	if x.conn.Torn() {
		x.conn.Abort(false)
		return
	}
	keep = x.conn.KeepAlive(keep)
	b := appendStatusLine(x.takeOut().B[:0], status, []byte(http.StatusText(status)))
	b = appendDate(b)
	if len(body) > 0 {
		b = append(b, "Content-Type: application/json\r\n"...)
	}
	if status != http.StatusNoContent {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	b = x.appendRequestID(b)
	b = append(b, extra...)
	b = appendConnection(b, keep, x.minor)
	if !x.headOnly {
		b = append(b, body...)
	}
	x.hold(b)
	if err := x.flush(); err != nil {
		x.conn.Abort(false)
	}
}

// cut ends an answer that the client has the beginning of, after telling the
// reader of an event stream why. The framing stays broken: a chunked body has no
// last chunk, a counted one is short, one that ends with the connection ends with
// a reset.
func (x *exchange) cut(f *fault.Error) {
	if event := x.events.failure(x.api, x.problem(f)); event != nil && !x.conn.Torn() && x.put(event) == nil {
		_ = x.conn.SendWithin(x.out.B[:x.n], lastWord)
		x.written += x.n
		x.dropOut()
	}
	x.conn.Abort(x.byClose)
}

// lastWord is how long a client may take nothing of the event that tells it of a
// cut: what it cannot take is not worth keeping the endpoint waiting for.
const lastWord = 100 * time.Millisecond

// complain logs what steelyard had to answer with 5xx, or had to cut: each where an
// endpoint or a mistake of ours is behind it, the others once in a while.
func (x *exchange) complain(f *fault.Error) {
	if f.Kind.Status() < 500 {
		return
	}
	upstream := ""
	if x.upstream != nil {
		upstream = x.upstream.Name
	}
	leftOut := zap.Skip()
	if f.Endpoint == "" && f.Kind != fault.Internal {
		var ok bool
		if leftOut, ok = x.handler.warnings.pass(warning{upstream, f.Kind.Code()}); !ok {
			return
		}
	}
	x.handler.log.Warn("request failed", append(x.about(),
		zap.Int("status", f.Kind.Status()), zap.Bool("cut", x.committed),
		zap.String("upstream", upstream), zap.String("endpoint", f.Endpoint),
		zap.String("code", f.Kind.Code()), cause(f), leftOut)...)
}

// about is which request a warning is about, in copies: the line outlives the request.
func (x *exchange) about() []zap.Field {
	x.remember()
	return []zap.Field{
		zap.String("request_id", string(x.requestID())), zap.String("client", client(x.conn.Peer)),
		zap.String("method", string(x.line.method)), zap.String("path", string(x.line.path)),
	}
}

// cause is all that is known of why, within bounds: an endpoint may have chosen the words.
func cause(f *fault.Error) zap.Field {
	if f.Err == nil {
		return zap.Skip()
	}
	return zap.String("error", fault.Shorten(f.Err.Error()))
}
