// From the record of an exchange to a row of the request log.

package proxy

import (
	"net/http"

	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// RequestLog writes the rows of requests that reached an endpoint. Others have nothing to
// teach, and a flood of refused ones would drive those out that have.
type RequestLog struct{ *requestlog.Log }

// Record implements Recorder.
func (l RequestLog) Record(r *Record) {
	a := r.Attempt
	if r.Target == nil || a == nil || a.Status == http.StatusSwitchingProtocols {
		return
	}
	l.Write(requestlog.Row{
		Arrived: r.At(), Upstream: r.Upstream.Name, Endpoint: r.Target.Name, Class: a.Class.String(), Status: a.Status, Model: a.Model,
		Stream: a.Features.Stream, MaxTokens: a.Features.MaxTokens, PromptBytes: a.Features.PromptBytes,
		Queue: r.Queued, FirstByte: a.FirstByte, Service: a.Service, Capacity: a.Capacity, Slots: a.Slots, Work: a.Size,
	})
}
