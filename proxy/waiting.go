// Streams whose requests wait: comments meanwhile, and the answer that follows.

package proxy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

const (
	comment = ": waiting\n\n" // that readers of event streams pass over
	codings = "accept-encoding"
)

// commentChunk is the comment as a chunk of the body.
var commentChunk = []byte("b\r\n" + comment + "\r\n")

// wait waits in the queue. A client that asked for a stream of events gets comments meanwhile, where the upstream wants that.
func (a *attempt) wait(w *balancer.Waiter) (balancer.Lease, error) {
	x := a.x
	every := x.upstream.Keepalive
	if every == 0 {
		return w.Wait()
	}
	timer := time.NewTimer(every)
	defer timer.Stop()
	return w.WaitDoing(timer.C, func() {
		if x.sayWaiting() {
			timer.Reset(every)
		}
	})
}

// sayWaiting sends the client a comment, behind the head of an event stream if it has not got one. It reports false where the
// client can take none, or has taken none: then the exchange is cancelled, and so is the wait.
func (x *exchange) sayWaiting() bool {
	r := &x.reply
	var err error
	switch {
	case r.waiting, r.chunked && x.rest != nil: // of a stream that is taken up the client has whole events
		err = r.comment()
	case !r.begun && x.takesComments():
		err = x.beginWaiting()
	default:
		return false
	}
	if err != nil {
		x.cancel.Cancel(err)
	}
	return err == nil
}

// takesComments says whether the client asked for a stream of events, in which comments may stand. Ollama's streams have lines of
// JSON, and without chunks nobody could see how the stream ends.
func (x *exchange) takesComments() bool {
	if x.reply.headOnly || x.reply.minor == 0 || x.api == ollama {
		return false
	}
	body := x.peekable()
	if body == nil {
		return false
	}
	defer body.release()
	h := payload.Peek(body.whole(&x.held), nil)
	return h.OK && h.Stream
}

// beginWaiting begins the reply: from here on whatever goes wrong is told by an event.
func (x *exchange) beginWaiting() error {
	if err := x.cancel.Bind(clientTakes{x.conn}); err != nil {
		return err
	}
	r := &x.reply
	keep := x.conn.KeepAlive(true)
	r.waiting, r.chunked = true, true
	b := r.start(http.StatusOK, []byte(http.StatusText(http.StatusOK)))
	b = appendDate(b)
	b = append(b, "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"...)
	b = x.appendVia(b, 1)
	b = x.appendRequestID(b)
	b = append(b, "Transfer-Encoding: chunked\r\n"...)
	b = appendConnection(b, keep, r.minor)
	r.hold(append(b, commentChunk...))
	x.upstream.Metrics.BegunWaiting()
	return r.flush()
}

// comment sends a comment. Nothing is put together for it: thousands may wait.
func (r *reply) comment() error {
	err := r.conn.Send(commentChunk)
	r.sent(len(commentChunk))
	return clientWriteFault(err)
}

// join lets an endpoint's answer follow the comments.
func (r *reply) join(a *strict.Answer) {
	r.tail.begin(a, true)
	r.waiting, r.flushed = false, 0
}

// streams says whether the answer is a stream of events that can follow the comments.
func (a *attempt) streams() bool {
	var t tail
	t.begin(&a.answer, true)
	return a.answer.Status == http.StatusOK && t.stream == serverSent
}

const errNoEvents = fault.Reason("it answered a request for a stream with something else")

// tellAnswer tells the client of an answer that cannot follow the comments: of an error, by an event.
func (x *exchange) tellAnswer() error {
	a := x.current
	if a.answer.Status < http.StatusBadRequest {
		a.end(a.outcome(balancer.Refused)) // it is not to blame: nobody told it that only a stream will do
		return fault.New(fault.BadAnswer, errNoEvents)
	}
	if a.kept == nil {
		a.keep()
	}
	if cause := x.cancel.Cause(); cause != nil {
		return cause
	}
	x.absolve()
	x.unbind()
	x.tell(a.answer.Status, x.api.framed(x.answeredError()))
	return nil
}

// answeredError is the endpoint's error as the client's API has it: its own words, where they are of that shape.
func (x *exchange) answeredError() []byte {
	a := x.current
	status := a.answer.Status
	message := "endpoint " + a.target.Name + ": it answered " + strconv.Itoa(status)
	if a.kept != nil && !coded(&a.answer) {
		var line bytes.Buffer
		if json.Compact(&line, a.kept.body) == nil && x.api.isError(line.Bytes()) {
			return line.Bytes()
		}
		if text := bytes.TrimSpace(a.kept.body); len(text) > 0 {
			message += ": " + fault.Shorten(string(text))
		}
	}
	return x.api.body(problem{fault.Upstream, status, "answered_" + strconv.Itoa(status), message, string(x.requestID())})
}

// coded says whether an answer's body is compressed.
func coded(a *strict.Answer) bool {
	coding := a.Get("content-encoding")
	return len(coding) > 0 && !strict.EqualFold(coding, "identity")
}

// tell ends a reply that was begun while its request waited: with an event in place of an answer. Its framing is whole, as is what it says.
func (x *exchange) tell(status int, event []byte) {
	x.current.joinUpload()
	r := &x.reply
	r.drop()
	r.told = status
	if x.conn.Torn() || r.put(event) != nil || r.putLastChunk(nil) != nil || r.flush() != nil {
		x.conn.Abort(false)
	}
}
