// The client's head, built from the endpoint's: from here on nothing is repeated.

package proxy

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
)

// commit builds the client's head from the endpoint's. After it nothing can be
// repeated, so everything a repeat would need is given back: a stream that says
// nothing holds neither the request nor a buffer. Only where its rest may be asked
// of another endpoint does it keep the request.
func (x *exchange) commit() {
	current, r := x.current, &x.reply
	open := current.begin(r.headOnly)
	if r.waiting {
		r.join(&current.answer)
	} else {
		x.putHead(open)
		r.tail.begin(&current.answer, open)
	}
	x.remember()
	x.mark()
	x.follow()
	current.countTokens(r.tail.stream)
	if u := current.upload; u != nil && u.finished() {
		current.joinUpload()
	}
	if x.rest != nil {
		return // whose request must be there for the rest
	}
	x.conn.ReleaseRequest()
	if !x.uploads() {
		x.letGo()
	}
}

// putHead puts the client's head together.
func (x *exchange) putHead(open bool) {
	current, r := x.current, &x.reply
	a := &current.answer
	r.frame(open)
	keep := x.conn.KeepAlive(!r.byClose && (current.upload == nil || current.upload.settled()))

	b := r.start(a.Status, a.Reason)
	dated := false
	for i := range a.Fields {
		if x.upstream.QueueTime && bytes.EqualFold(a.Fields[i].Name, queueTimeField) {
			continue // of another steelyard behind
		}
		if x.upstream.PickHeader && bytes.EqualFold(a.Fields[i].Name, pickField) {
			continue
		}
		if current.asksLoad && bytes.EqualFold(a.Fields[i].Name, loadField) {
			continue
		}
		b = appendAnswerField(b, &a.Fields[i], r.chunked)
		dated = dated || a.Fields[i].Kind == strict.Date
	}
	if !dated {
		b = appendDate(b)
	}
	b = x.appendVia(b, a.Minor)
	b = x.appendRequestID(b)
	switch {
	case r.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case a.ContentLength >= 0 && !a.Chunked && a.Status >= 200 && a.Status != 204:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, a.ContentLength, 10)
		b = append(b, "\r\n"...)
	}
	if x.upstream.QueueTime {
		b = x.appendQueueTime(b)
	}
	if x.upstream.PickHeader {
		b = current.appendPick(b)
	}
	if a.Status == http.StatusUpgradeRequired && a.Upgrade != nil { // what it is there to say
		b = append(b, "Connection: Upgrade\r\nUpgrade: "...)
		b = append(b, a.Upgrade...)
		b = append(b, "\r\n"...)
	}
	r.hold(appendConnection(b, keep, r.minor))
}

// uploads says whether the held body is still being sent, by whichever attempt.
func (x *exchange) uploads() bool {
	return slices.ContainsFunc(x.attempts, func(a *attempt) bool { return a.upload != nil })
}

// begin makes the body ready to be read, and says whether only its end will tell its length.
func (a *attempt) begin(toHead bool) (open bool) {
	if a.kept != nil {
		return a.kept.open
	}
	a.body.Begin(a.up, &a.answer, a.headSize, toHead)
	a.clean = a.clean && a.body.Framing != transport.ByClose
	return a.body.Framing == transport.ByChunks || a.body.Framing == transport.ByClose
}

func appendStatusLine(b []byte, status int, reason []byte) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, reason...)
	return append(b, "\r\n"...)
}

// appendAnswerField copies a field of an answer, unless it concerns only the
// connection that the answer came on.
func appendAnswerField(b []byte, f *strict.Field, chunked bool) []byte {
	switch f.Kind {
	case strict.Hop, strict.Connection, strict.ContentLength, strict.TransferEncoding, strict.Upgrade, strict.TE,
		strict.RequestID: // one stands for the request everywhere: ours
		return b
	case strict.Trailer:
		return appendTrailerField(b, f, chunked)
	}
	return appendField(b, f)
}

// appendConnection says what becomes of the connection, where the client's
// version would make it expect something else.
func appendConnection(b []byte, keep bool, minor int) []byte {
	switch {
	case !keep:
		b = append(b, "Connection: close\r\n"...)
	case minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendDate dates an answer whose sender did not (RFC 9110 6.6.1).
func appendDate(b []byte) []byte {
	b = append(b, "Date: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	return append(b, "\r\n"...)
}
