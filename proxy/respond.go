// Answers of our own, and cuts of answers that have begun.

package proxy

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/steelyard-proxy/steelyard/health/shortage"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// errFinalRecipient says that the request goes no further: it is for steelyard itself.
var errFinalRecipient = errors.New("a question to the proxy itself")

// methods are the field that says what is served.
const methods = "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"

// respond ends an exchange that no endpoint's answer has ended: with an answer of our own
// while the client has got nothing yet, after that with a cut that cannot be taken for an end.
func (x *exchange) respond(err error) {
	if errors.Is(err, errFinalRecipient) {
		x.answer(http.StatusNoContent, methods, nil, true)
		return
	}
	x.unbind()
	f := x.blame(err)
	x.failure = f
	switch {
	case f.Status() == statusGone:
		x.conn.Abort(x.reply.begun)
	case f.Kind == fault.Shutdown && x.current.phase == metrics.PhaseTunnel: // its two ends have seen it
	case x.reply.waiting:
		x.complain(f)
		x.tell(f.Status(), x.api.event(x.problem(f)))
	case !x.reply.begun:
		x.complain(f)
		p := x.problem(f)
		x.answer(f.Status(), x.failFields(f)+x.api.fields(p), x.api.body(p), keeps(f))
	case f.Kind == fault.Refused: // the upload failed behind an answer that had begun
		x.conn.Abort(true)
	default:
		if f.Kind == fault.Truncated && x.body.Size > 0 {
			x.suspect(x.current)
		}
		x.complain(f)
		x.cut(f)
	}
}

// statusGone is what counts as the status where the client left: it got none.
const statusGone = 499

// blame is the fault that err stands for: what cancelled the exchange, if
// something did, since then every other error is a consequence. But a time that was over
// in the queue, or before the client had sent its body, is not the endpoints'.
func (x *exchange) blame(err error) *fault.Error {
	f := asFault(err)
	if cause := x.cancel.Cause(); cause != nil && f.Kind != fault.TotalInQueue && f.Kind != fault.TotalInBody {
		f = asFault(cause)
	}
	blamed := *f
	if blamed.Kind == fault.Closed && shortage.Is(blamed.Err) { // the socket had no room for the request
		blamed.Kind = fault.Shortage
	}
	if t := x.current.target; t != nil && blamed.Source() == fault.Upstream {
		blamed.At(t.Name)
	}
	return &blamed
}

// asFault is the error as the request path knows errors. A refusal deep in the chain of a
// fault is no refusal of the request: it is the endpoint's answer that was refused.
func asFault(err error) *fault.Error {
	if r, ok := err.(*strict.Refusal); ok {
		return fault.Refuse(r.Status, r.Code, r.Reason)
	}
	return fault.As(err)
}

// failFields are the fields of an answer of our own that depend on how the request failed.
func (x *exchange) failFields(f *fault.Error) string {
	var b []byte
	if f.Status() == http.StatusMethodNotAllowed {
		b = append(b, methods...)
	}
	if f.Status() == http.StatusServiceUnavailable || f.RetryAfter > 0 {
		b = append(b, "Retry-After: "...)
		b = strconv.AppendInt(b, max(int64(math.Ceil(f.RetryAfter.Seconds())), 1), 10)
		b = append(b, "\r\n"...)
	}
	if x.upstream != nil && x.upstream.QueueTime {
		b = x.appendQueueTime(b)
	}
	return string(b)
}

// answer sends an answer of our own. extra is whole field lines; keep is
// whether the connection is good for another request.
func (x *exchange) answer(status int, extra string, body []byte, keep bool) {
	x.current.joinUpload()
	r := &x.reply
	r.drop()
	if x.conn.Torn() {
		r.status = status
		x.conn.Abort(false)
		return
	}
	keep = x.conn.KeepAlive(keep)
	b := r.start(status, []byte(http.StatusText(status)))
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
	b = appendConnection(b, keep, r.minor)
	if !r.headOnly {
		b = append(b, body...)
	}
	r.hold(b)
	if err := r.flush(); err != nil {
		x.conn.Abort(false)
	}
}

// keeps says whether the client's connection is good for another request after a failure.
// What failed by the client may have left half a request on it.
func keeps(f *fault.Error) bool {
	return f.Kind == fault.NoRoute || f.Kind == fault.Poisoned || f.Kind != fault.Refused && f.Source() != fault.Client
}

// cut ends an answer that the client has the beginning of, after telling the
// reader of an event stream why. The framing stays broken: a chunked body has no
// last chunk, a counted one is short, one that ends with the connection ends with
// a reset.
func (x *exchange) cut(f *fault.Error) {
	r := &x.reply
	if event := r.tail.failure(x.api, x.problem(f)); event != nil && !x.conn.Torn() && r.put(event) == nil {
		r.endCut()
	}
	x.conn.Abort(r.byClose)
}
