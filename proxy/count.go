// The metrics of requests that have ended.

package proxy

import (
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// counter puts exchanges into the metrics.
type counter struct {
	gateway  *metrics.Registry
	unrouted *metrics.Upstream // counts what never got an upstream
}

func newCounter(m *metrics.Registry) counter {
	m.ExpectFailures(expectedFailures())
	return counter{gateway: m, unrouted: m.Upstream("")}
}

// ofEndpoint is the failure that an endpoint itself answered with.
var ofEndpoint = metrics.Failure{Code: "answered_5xx", Source: fault.Upstream.String()}

// expectedFailures are those that an upstream shows before they happen.
func expectedFailures() []metrics.Failure {
	list := []metrics.Failure{ofEndpoint}
	for _, kind := range fault.Kinds() {
		list = append(list, metrics.Failure{Code: kind.Code(), Source: kind.Source().String()})
	}
	return list
}

// Record implements Recorder.
func (c counter) Record(r *Record) {
	upstream := c.unrouted // where is counted what concerns no endpoint
	if r.Upstream != nil {
		upstream = r.Upstream.Metrics
	}
	c.failure(r, upstream)
	if r.Target == nil {
		upstream.Answered(r.Result())
		upstream.AddBytes(metrics.FromClient, r.Received)
		upstream.AddBytes(metrics.ToClient, r.Written)
		return
	}
	response := r.Response
	if r.Status == 101 { // how long a tunnel stays says nothing
		response = 0
	}
	r.Target.Metrics.Answered(r.Result(), response, r.FirstByte, r.Overhead)
	r.Target.Metrics.AddBytes(metrics.FromClient, r.Received)
	r.Target.Metrics.AddBytes(metrics.ToClient, r.Written)
}

// failure counts how the exchange failed, if it did.
func (c counter) failure(r *Record, upstream *metrics.Upstream) {
	f := r.Failure
	if f == nil {
		if r.Result() >= 500 && r.Target != nil {
			upstream.Failed(ofEndpoint)
		}
		return
	}
	upstream.Failed(metrics.Failure{Code: f.Code(), Source: f.Source().String()})
	c.gateway.ClientLimited(limitOf(f))
	switch {
	case r.Status == statusGone:
		upstream.Cancelled(r.Phase)
	case f.Source() == fault.Upstream && r.Begun && r.Answered && r.Target != nil:
		r.Target.Metrics.Truncated()
	}
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
