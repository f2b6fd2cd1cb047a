// The access log: one line for each request, written off the request path.

package proxy

import (
	"context"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// accessQueue is how many lines may wait to be written.
const accessQueue = 4096

// AccessLog writes one line for each request, off the request path: when
// lines come faster than they can be written, they are dropped and counted.
type AccessLog struct {
	log     *zap.Logger
	metrics *metrics.Registry
	lines   chan accessEntry
}

// NewAccessLog makes an access log; nothing is written before Run.
func NewAccessLog(log *zap.Logger, m *metrics.Registry) *AccessLog {
	return &AccessLog{log: log, metrics: m, lines: make(chan accessEntry, accessQueue)}
}

// Run writes lines until ctx ends, and then those that still wait.
func (a *AccessLog) Run(ctx context.Context) error {
	for {
		select {
		case e := <-a.lines:
			a.write(&e)
		case <-ctx.Done():
			for {
				select {
				case e := <-a.lines:
					a.write(&e)
				default:
					return nil
				}
			}
		}
	}
}

type accessEntry struct {
	method, host, path, id, upstream, asked, endpoint, code, failure string
	peer                                                             netip.Addr
	status, told, attempts, received, written                        int
	arrived, queued, firstByte, response                             time.Duration
}

// client is the peer's address as logs have it.
func client(peer netip.Addr) string {
	if !peer.IsValid() {
		return "unix" // a socket, whose peers have no address
	}
	return peer.String()
}

// failureCode is a failure as ERRORS.md names it; "" for none.
func failureCode(f *fault.Error) string {
	if f == nil {
		return ""
	}
	return f.Code()
}

// Record implements Recorder.
func (a *AccessLog) Record(r *Record) {
	e := accessEntry{
		method: string(r.Method), host: string(r.Host), path: string(r.Path), id: string(r.ID),
		code: failureCode(r.Failure),
		peer: r.Client, status: r.Status, told: r.Told, attempts: r.Attempts, received: r.Received, written: r.Written,
		arrived: r.Arrived, queued: r.Queued, firstByte: r.FirstByte, response: r.Response,
	}
	if r.Upstream != nil {
		e.upstream = r.Upstream.Name
		if r.Asked != r.Upstream {
			e.asked = r.Asked.Name
		}
	}
	if r.Target != nil {
		e.endpoint = r.Target.Name
	}
	if r.Failure != nil {
		e.failure = r.Failure.Error()
	}
	select {
	case a.lines <- e:
	default:
		a.metrics.AccessLogLinesDropped(1)
	}
}

// write writes a line. ACCESSLOG.md says what its fields are.
func (a *AccessLog) write(e *accessEntry) {
	a.log.Info("request",
		zap.Time("arrived", wire.At(e.arrived, e.arrived+e.response)), zap.String("request_id", e.id), zap.String("client", client(e.peer)),
		zap.String("method", e.method), zap.String("host", e.host), zap.String("path", e.path),
		zap.Int("status", e.status), zap.Int("told", e.told), zap.String("upstream", e.upstream), zap.String("fallback_for", e.asked), zap.String("endpoint", e.endpoint),
		zap.Int("attempts", e.attempts), zap.Int("request_bytes", e.received), zap.Int("answer_bytes", e.written),
		zap.Duration("queue", e.queued), zap.Duration("first_byte", e.firstByte), zap.Duration("response", e.response),
		zap.String("code", e.code), zap.String("failure", e.failure))
}
