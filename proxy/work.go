package proxy

import (
	"math"
	"net/http"
	"sync"
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

// hints is what a request says of the work it asks for.
type hints struct {
	said     bool   // it has a body, all of it at hand
	model    string // if said; kept over exchanges, as most ask for the same one
	scratch  []byte
	features predict.Features
	scaled   bool    // the work predicted has the unit of what was learned; else it is in tokens
	work     float64 // as it was predicted; 0: not known
	served   served
}

// reset keeps the memory of hints.
func (h *hints) reset() {
	h.said, h.scaled, h.features, h.work, h.served = false, false, predict.Features{}, 0, served{}
}

// served is what the last attempt to be leased took of its endpoint.
type served struct {
	class              balancer.OutcomeClass
	status             int
	service, firstByte time.Duration
	capacity           float64
	slots              int
}

// predict says how much work the request will be, where somebody wants to know.
// The body is at hand now; once the answer begins it is gone. What says nothing is
// taken for the mean of all requests.
func (x *exchange) predict() {
	x.request = balancer.Request{}
	if !x.upstream.Sized {
		return
	}
	var h payload.Hints
	if body := x.peekable(); body != nil {
		defer body.release()
		h = payload.Peek(body.bytes, x.hints.scratch)
		if len(h.Model) > cap(x.hints.scratch) {
			x.hints.scratch = make([]byte, 0, 2*len(h.Model))
		}
		if x.hints.model != string(h.Model) {
			x.hints.model = string(h.Model)
		}
		x.hints.said = true
	} else if length := x.conn.Request.ContentLength; length > 0 {
		h.PromptBytes = int(length)
	}
	x.hints.features = predict.Features{PromptBytes: h.PromptBytes, MaxTokens: h.MaxTokens, Stream: h.Stream}
	if p := x.upstream.Predictor; p != nil {
		x.hints.scaled = p.Scaled() // first: what is published in between is scaled too
		x.hints.work = p.Work(h.Model, x.hints.features)
		x.request.Work = x.hints.work
	}
}

// peekBytes is how large a body may be that is looked into. A larger one takes so
// long to read that its length says enough.
const peekBytes = 4 << 20

var contiguous sync.Pool // of *peeked, for bodies that lie in several blocks

// peeked is a body in one piece.
type peeked struct {
	bytes []byte
	own   []byte // memory for a body that lies in several blocks
}

// peekable is the body in one piece, if it is at hand and worth a look.
func (x *exchange) peekable() *peeked {
	h := &x.held
	if !h.whole || h.n == 0 || h.n > peekBytes {
		return nil
	}
	p, ok := contiguous.Get().(*peeked)
	if !ok {
		p = new(peeked)
	}
	if p.bytes = h.small(); h.n > wire.BlockBytes {
		p.own = p.own[:0]
		for piece := range h.pieces {
			p.own = append(p.own, piece...)
		}
		p.bytes = p.own
	}
	return p
}

func (p *peeked) release() {
	p.bytes = nil
	contiguous.Put(p)
}

// learn tells of the attempt that ends with this outcome: the predictor and the
// endpoint's meter. It comes before the release.
func (x *exchange) learn(a *attempt, o balancer.Outcome) {
	if !x.upstream.Sized || a.answer.Status == http.StatusSwitchingProtocols {
		return
	}
	x.hints.served = served{class: o.Class, status: o.Status}
	x.hints.served.capacity, x.hints.served.slots = a.target.Worth.Get()
	if a.dispatched > 0 {
		x.hints.served.service = wire.Now() - a.dispatched - (x.conn.Blocked - a.blocked)
	}
	if a.answered > a.dispatched {
		x.hints.served.firstByte = a.answered - a.dispatched
	}
	if p := x.upstream.Predictor; p != nil && x.hints.said {
		p.Finished(predict.Row{
			Model: x.hints.model, Features: x.hints.features, Work: a.target.Worth.work(x.hints.served.service),
			Service: x.hints.served.service, Class: o.Class.String(), Status: o.Status,
		})
	}
	if x.upstream.Measured && o.Class == balancer.Answered && o.Status < 300 && x.measurable() {
		a.target.Meter.Finished(x.request.Work, x.hints.served.service, a.inFlight)
	}
}

// measurable says whether the work predicted is in the unit of what is predicted now. A
// request that is in tokens, and ends when work has got its unit, would count for hundreds.
func (x *exchange) measurable() bool {
	p := x.upstream.Predictor
	return p == nil || x.hints.scaled || !p.Scaled()
}
