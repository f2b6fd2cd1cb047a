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
	x.joinUpload()
	if x.whole && x.up != nil {
		x.body.Settle()
	}
	x.release(x.clean && x.whole)
	x.dropOut()
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

// panicked answers 500 if it still can. One request is lost, the process is not.
func (x *exchange) panicked(r any) {
	x.logPanic(r)
	x.whole = false
	x.fail(fault.New(fault.Internal, fmt.Errorf("BUG: %v", r)))
}

func (x *exchange) logPanic(r any) {
	x.handler.metrics.Panicked()
	x.handler.log.Error("panic in a request", append(x.about(), zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))...)
}

// release gives the lease and the connection back. One place, so that what is
// in flight can not drift: every attempt that acquired comes through here once.
func (x *exchange) release(reusable bool) {
	x.disconnect(reusable)
	if x.leased {
		x.leased = false
		o := x.outcome()
		x.learn(o)
		x.lease.Release(o)
		x.conn.Hurry(false)
	}
}

// disconnect gives the connection back, if there is one.
func (x *exchange) disconnect(reusable bool) {
	if x.up == nil {
		return
	}
	x.joinUpload()
	if x.cancel.Unbind() != nil {
		reusable = false
		x.conn.ResumeWrite() // an answer may still be sent
	}
	x.up.Release(reusable)
	x.up = nil
}

// outcome tells the balancer how the attempt ended.
func (x *exchange) outcome() balancer.Outcome {
	o := balancer.Outcome{Class: balancer.Answered, Status: x.answer.Status}
	if f, ok := x.failure.(*fault.Error); ok {
		o.Class = outcomeClass(f.Kind)
	} else if x.failure != nil {
		o.Class = balancer.Refused
	}
	return o
}

func outcomeClass(k fault.Kind) balancer.OutcomeClass {
	switch k {
	case fault.Connect, fault.ConnectTimeout:
		return balancer.ConnectFailed
	case fault.FirstByteTimeout, fault.Forsaken, fault.IdleTimeout, fault.TotalTimeout:
		return balancer.TimedOut
	case fault.Closed, fault.BadAnswer:
		return balancer.Failed
	case fault.Truncated:
		return balancer.Truncated
	case fault.ClientGone, fault.ClientStalled, fault.ClientSlow:
		return balancer.ClientGone
	}
	return balancer.Refused
}

// ofEndpoint is the failure that an endpoint itself answered with.
var ofEndpoint = metrics.Failure{Code: "answered_5xx", Source: fault.Upstream.String()}

// countFailure counts how the exchange failed, if it did.
func (x *exchange) countFailure(instruments *metrics.Upstream) {
	switch f := x.failure.(type) {
	case nil:
		if x.status >= 500 && x.target != nil {
			instruments.Failed(ofEndpoint)
		}
	case *strict.Refusal:
		instruments.Failed(metrics.Failure{Code: f.Code, Source: refusedBy(f).String()})
	default:
		kind := fault.As(f).Kind
		instruments.Failed(metrics.Failure{Code: kind.Code(), Source: kind.Source().String()})
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

// count puts the exchange into the metrics.
func (x *exchange) count() {
	now := wire.Now()
	x.countFailure(x.instruments())
	if x.failure != nil {
		x.handler.metrics.ClientLimited(limitOf(x.failure))
		switch f := fault.As(x.failure); {
		case f.Kind.Status() == 499:
			x.status = 499
			x.instruments().Cancelled(x.phase)
		case f.Kind.Source() == fault.Upstream && x.committed && x.answered > 0 && x.target != nil:
			x.target.Metrics.Truncated()
		}
	}
	if x.target == nil {
		instruments := x.instruments()
		instruments.Answered(x.status)
		instruments.AddBytes(metrics.FromClient, x.received)
		instruments.AddBytes(metrics.ToClient, x.written)
		return
	}
	var firstByte, overhead, response time.Duration
	if x.status != 101 { // how long a tunnel stays says nothing
		response = now - x.arrived
	}
	if x.firstByte > 0 {
		firstByte = x.firstByte - x.arrived
		overhead = x.dispatched - x.arrived - x.readTime - x.waited - x.lost + x.flushed - x.answered
	}
	x.target.Metrics.Answered(x.status, response, firstByte, overhead)
	x.target.Metrics.AddBytes(metrics.FromClient, x.received)
	x.target.Metrics.AddBytes(metrics.ToClient, x.written)
}

// limitOf is the bound on clients that a failure came from, if it was one.
func limitOf(failure error) metrics.ClientLimit {
	switch failure {
	case strict.BodyTooSlow:
		return metrics.LimitSendRate
	case strict.TooManyOfClient:
		return metrics.LimitConnections
	}
	if f, ok := failure.(*fault.Error); ok {
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
	}
	return metrics.NoLimit
}
