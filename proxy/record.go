// The record of an exchange that has ended, what logs say of its head, and who is shown it.

package proxy

import (
	"net/netip"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Record is what is known of an exchange when it has ended. It is built once, after
// nothing of it can change any more.
type Record struct {
	ID, Method, Host, Path []byte // of the request; the last three cut to what logs take
	Client                 netip.Addr
	Arrived                time.Duration // its first byte, on wire's clock

	Asked    *Upstream    // that its route names; nil: none was found for it
	Upstream *Upstream    // that served it, or was to: Asked, or a fallback
	Target   *Target      // of the last attempt; nil: no endpoint had to do with it
	Status   int          // that the client got, or 499 where it left; 0: none
	Told     int          // the status of the error that an event told in a reply which was begun while the request waited; 0: none
	Failure  *fault.Error // how it ended, if not well
	Begun    bool         // bytes of an answer may have reached the client
	Answered bool         // the endpoint had answered
	Phase    metrics.Phase
	Attempts int // times the request was sent to an endpoint, or was to be

	Queued    time.Duration // waited for a slot, all attempts together
	FirstByte time.Duration // from Arrived to the first byte of the answer's body; 0: none came
	Response  time.Duration // from Arrived to the end
	Overhead  time.Duration // the part of FirstByte that was ours

	Received int // bytes of the request's body
	Written  int // bytes of the answer

	Attempt *Attempted // what the last attempt that had an endpoint was; nil: there was none
	Who     *Who       // asked; nil: nobody wants to know
}

// Result is the status that says how it went: where the client got 200 only because its request had to wait, that of the error it was told.
func (r *Record) Result() int {
	if r.Told > 0 {
		return r.Told
	}
	return r.Status
}

// At is when the first byte of the request came, by the wall clock.
func (r *Record) At() time.Time { return wire.At(r.Arrived, r.Arrived+r.Response) }

// Recorder keeps something of exchanges that have ended. It may keep nothing that a Record
// points to but the upstream, the target and the failure: the rest is used again.
type Recorder interface{ Record(r *Record) }

// recordEnd builds the record and shows it to all who want to see it.
func (x *exchange) recordEnd() {
	x.build(&x.record)
	for _, to := range x.handler.recorders {
		to.Record(&x.record)
	}
}

// build says what is known of the exchange. One place fixes what its status is.
func (x *exchange) build(to *Record) {
	x.remember()
	a, r, end := x.current, &x.reply, x.ended
	if end == 0 {
		end = wire.Now()
	}
	x.conn.Served = end
	*to = Record{
		ID: x.id, Method: x.line.method, Host: x.line.host, Path: x.line.path, Client: x.conn.Peer, Arrived: x.arrived,
		Asked: x.asked, Upstream: x.upstream, Target: a.target, Status: r.status, Failure: x.failure, Begun: r.answering(), Told: r.told, Answered: a.answered > 0, Phase: a.phase, Attempts: x.tries,
		Queued: x.queued, Response: end - x.arrived, Received: x.received, Written: r.written,
	}
	if x.failure != nil && x.failure.Status() == statusGone {
		to.Status = statusGone
	}
	if a.ended != (Attempted{}) {
		to.Attempt = &a.ended
	}
	if x.generation.Usage {
		to.Who = &x.who
	}
	if a = x.speaker(); a.firstByte > 0 {
		to.FirstByte = a.firstByte - x.arrived
		to.Overhead = a.dispatched - x.arrived - x.readTime - a.waited - x.lost + r.flushed - a.answered
	}
}

// What is logged of a request's head at most, in bytes: clients choose it, and lines
// wait in memory.
const (
	mostMethod = 32
	mostHost   = 255
	mostPath   = 2048
)

// headLine is what logs say of the request's head, which is gone by the time a line
// is written. Queries and fields are left out: they may hold secrets.
type headLine struct{ method, host, path []byte }

func (l *headLine) reset() {
	l.method, l.host, l.path = l.method[:0], l.host[:0], l.path[:0]
}

// remember keeps what logs will need of the request's head.
func (x *exchange) remember() {
	if x.conn.Request == nil || len(x.line.method) > 0 {
		return
	}
	r := x.conn.Request
	x.line.method = appendCut(x.line.method, r.Method, mostMethod)
	x.line.host = appendCut(x.line.host, r.Host, mostHost)
	x.line.path = appendCut(x.line.path, r.Path, mostPath)
	x.requestID()
	if x.generation.Usage && !x.who.found { // refused before its body was looked into
		x.identify(nil)
	}
}

// appendCut appends at most so many bytes of a text, and a sign where there were more.
func appendCut(b, text []byte, most int) []byte {
	if len(text) <= most {
		return append(b, text...)
	}
	return append(append(b, text[:most]...), "…"...)
}
