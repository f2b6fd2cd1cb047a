package proxy

import (
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// finish ends the exchange, exactly once, for every ending.
func (x *exchange) finish() {
	if r := recover(); r != nil {
		x.panicked(r)
	}
	x.endAttempts()
	x.unbind()
	x.reply.drop()
	x.letGo()
	if x.counted {
		x.conn.Client.Requests.Give(1)
	}
	x.count()
	x.logRequest()
	x.log() // last: by its line the exchange has ended
	recycle := x.conn.Disarm(&x.waiter)
	if x.total != nil {
		recycle = x.total.Stop() && recycle
	}
	if recycle { // else somebody may still call cancel: leave it to the collector
		x.reset()
		x.handler.exchanges.Put(x)
	}
}

// endAttempts ends all attempts. Of one whose answer was not wanted nothing is said.
func (x *exchange) endAttempts() {
	for _, a := range x.attempts {
		o := a.outcome(x.failure)
		if a != x.current {
			o.Class = balancer.Refused
		}
		a.end(o)
	}
}

// panicked answers 500 if it still can. One request is lost, the process is not.
func (x *exchange) panicked(r any) {
	x.logPanic(r)
	x.respond(fault.New(fault.Internal, fmt.Errorf("BUG: %v", r)))
}

func (x *exchange) logPanic(r any) {
	x.handler.metrics.Panicked()
	x.handler.log.Error("panic in a request", append(x.about(), zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))...)
}

// ofEndpoint is the failure that an endpoint itself answered with.
var ofEndpoint = metrics.Failure{Code: "answered_5xx", Source: fault.Upstream.String()}

// countFailure counts how the exchange failed, if it did.
func (x *exchange) countFailure(instruments *metrics.Upstream) {
	switch f := x.failure; {
	case f != nil:
		instruments.Failed(metrics.Failure{Code: f.Code(), Source: f.Source().String()})
	case x.reply.status >= 500 && x.current.target != nil:
		instruments.Failed(ofEndpoint)
	}
}

// expectedFailures are those that an upstream shows before they happen.
func expectedFailures() []metrics.Failure {
	list := []metrics.Failure{ofEndpoint}
	for _, kind := range fault.Kinds() {
		list = append(list, metrics.Failure{Code: kind.Code(), Source: kind.Source().String()})
	}
	return list
}

// instruments is where is counted what concerns no endpoint.
func (x *exchange) instruments() *metrics.Upstream {
	if x.upstream != nil {
		return x.upstream.Metrics
	}
	return x.handler.unrouted
}

// status is what the client got, or what counts as that where it left.
func (x *exchange) status() int {
	if x.failure != nil && x.failure.Status() == statusGone {
		return statusGone
	}
	return x.reply.status
}

// count puts the exchange into the metrics.
func (x *exchange) count() {
	now := wire.Now()
	a, r, status := x.current, &x.reply, x.status()
	x.countFailure(x.instruments())
	if f := x.failure; f != nil {
		x.handler.metrics.ClientLimited(limitOf(f))
		switch {
		case f.Status() == statusGone:
			x.instruments().Cancelled(a.phase)
		case f.Source() == fault.Upstream && r.begun && a.answered > 0 && a.target != nil:
			a.target.Metrics.Truncated()
		}
	}
	if a.target == nil {
		instruments := x.instruments()
		instruments.Answered(status)
		instruments.AddBytes(metrics.FromClient, x.received)
		instruments.AddBytes(metrics.ToClient, r.written)
		return
	}
	var firstByte, overhead, response time.Duration
	if status != 101 { // how long a tunnel stays says nothing
		response = now - x.arrived
	}
	if a.firstByte > 0 {
		firstByte = a.firstByte - x.arrived
		overhead = a.dispatched - x.arrived - x.readTime - a.waited - x.lost + r.flushed - a.answered
	}
	a.target.Metrics.Answered(status, response, firstByte, overhead)
	a.target.Metrics.AddBytes(metrics.FromClient, x.received)
	a.target.Metrics.AddBytes(metrics.ToClient, r.written)
}

// limitOf is the bound on clients that a failure came from, if it was one.
func limitOf(f *fault.Error) metrics.ClientLimit {
	switch f.Kind {
	case fault.ClientSlow:
		return metrics.LimitReadRate
	case fault.ClientRequests:
		return metrics.LimitRequests
	case fault.ClientWaiting:
		return metrics.LimitWaiting
	case fault.ClientMemory:
		return metrics.LimitBodyMemory
	}
	switch f.Code() {
	case strict.BodyTooSlow.Code:
		return metrics.LimitSendRate
	case strict.TooManyOfClient.Code:
		return metrics.LimitConnections
	}
	return metrics.NoLimit
}
