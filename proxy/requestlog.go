package proxy

import (
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// RequestLog writes the rows of requests that reached an endpoint. Others have nothing to
// teach, and a flood of refused ones would drive those out that have.
type RequestLog struct{ *requestlog.Log }

// Record implements Recorder.
func (l RequestLog) Record(r *Record) {
	h := r.hints
	if r.Target == nil || h.served == (served{}) {
		return
	}
	row := requestlog.Row{
		Arrived: wire.At(r.Arrived), Upstream: r.Upstream.Name, Endpoint: r.Target.Name, Class: h.served.class.String(), Status: h.served.status,
		Stream: h.features.Stream, MaxTokens: h.features.MaxTokens, PromptBytes: h.features.PromptBytes,
		Queue: r.Queued, FirstByte: h.served.firstByte, Service: h.served.service,
		Capacity: h.served.capacity, Slots: h.served.slots, Work: h.work,
	}
	if h.said {
		row.Model = h.model
	}
	l.Write(row)
}
