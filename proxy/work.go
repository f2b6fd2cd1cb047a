package proxy

import (
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Worth is what an endpoint can do, as configured or as last measured. The zero
// value is nothing; it is written by whoever measures and read by requests.
type Worth struct {
	capacity atomic.Uint64 // bits of a float64
	slots    atomic.Int64
}

// Set says what holds from now on.
func (w *Worth) Set(capacity float64, slots int) {
	w.capacity.Store(math.Float64bits(capacity))
	w.slots.Store(int64(slots))
}

// Get returns the capacity and the slots, 0 for no limit.
func (w *Worth) Get() (capacity float64, slots int) {
	return math.Float64frombits(w.capacity.Load()), int(w.slots.Load())
}

// work turns the time for which a request held the endpoint into units of work:
// one of its slots does C/slots of them in a second.
func (w *Worth) work(service time.Duration) float64 {
	capacity, slots := w.Get()
	return service.Seconds() * capacity / float64(max(slots, 1))
}

// hints is what the body says of the work it asks for.
type hints struct {
	known    bool
	model    string // kept over exchanges, as most ask for the same one
	scratch  []byte
	features predict.Features
}

// predict says how much work the request will be, where somebody wants to know.
// The body is at hand now; once the answer begins it is gone.
func (x *exchange) predict() {
	if !x.upstream.Sized || !x.conn.Request.HasBody() {
		return
	}
	h := payload.Peek(x.held.bytes(), x.hints.scratch)
	if len(h.Model) > cap(x.hints.scratch) {
		x.hints.scratch = make([]byte, 0, 2*len(h.Model))
	}
	if x.hints.model != string(h.Model) {
		x.hints.model = string(h.Model)
	}
	x.hints.known = true
	x.hints.features = predict.Features{PromptBytes: h.PromptBytes, MaxTokens: h.MaxTokens, Stream: h.Stream}
	if !x.held.whole && x.conn.Request.ContentLength > 0 {
		x.hints.features.PromptBytes = int(x.conn.Request.ContentLength)
	}
	if p := x.upstream.Predictor; p != nil {
		x.request.Work = p.Work(h.Model, x.hints.features)
	}
}

// learn tells of the work that the request turned out to be: the predictor, the
// meter of the endpoint and the request log. It comes before the release.
func (x *exchange) learn() {
	if x.upstream == nil || !x.upstream.Sized || x.status == http.StatusSwitchingProtocols {
		return
	}
	o := x.outcome()
	var service, firstByte time.Duration
	var capacity float64
	var slots int
	if x.leased && x.dispatched > 0 {
		service = wire.Now() - x.dispatched
		capacity, slots = x.target.Worth.Get()
		if x.answered > x.dispatched {
			firstByte = x.answered - x.dispatched
		}
		x.teach(o, service)
	}
	if l := x.generation.Requests; l != nil {
		r := RequestRecord{
			Arrived: x.arrived, Upstream: x.upstream.Name, Model: x.hints.model, Class: o.Class.String(), Status: x.status,
			Stream: x.hints.features.Stream, MaxTokens: x.hints.features.MaxTokens, PromptBytes: x.hints.features.PromptBytes,
			Queue: x.queued, FirstByte: firstByte, Service: service, Capacity: capacity, Slots: slots, Work: x.request.Work,
		}
		if x.target != nil {
			r.Endpoint = x.target.Name
		}
		l.Write(r)
	}
}

// teach lets those learn who learn while serving.
func (x *exchange) teach(o balancer.Outcome, service time.Duration) {
	if p := x.upstream.Predictor; p != nil && x.hints.known {
		p.Finished(predict.Row{
			Model: x.hints.model, Features: x.hints.features, Work: x.target.Worth.work(service),
			Service: service, Class: o.Class.String(), Status: x.status,
		})
	}
	if x.upstream.Measured && o.Class == balancer.Answered && x.status < 300 && x.whole {
		x.target.Meter.Finished(x.request.Work, service, x.among)
	}
}
