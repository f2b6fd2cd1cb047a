// How much work a request will be, by what its body says.

package proxy

import (
	"sync"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/balancer/prefix"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// hints is what a request says of the work it asks for.
type hints struct {
	said     bool   // it has a body, all of it at hand
	model    string // if said; kept over exchanges, as most ask for the same one
	scratch  []byte
	features predict.Features
	blocks   []uint64 // memory of request.Prompt.Blocks
}

// reset keeps the memory of hints.
func (h *hints) reset() { h.said, h.features = false, predict.Features{} }

// predict says how much work the request will be, and what it gives an engine to read, where
// somebody wants to know. The body is at hand now; once the answer begins it is gone. What says
// nothing is taken for the mean of all requests.
func (x *exchange) predict() {
	x.request = balancer.Request{Priority: x.priority.Level}
	wants, usage := x.wants(), x.generation.Usage
	if !x.upstream.WantsWork && !wants.Prompts && !usage {
		return
	}
	var h payload.Hints
	body := x.peekable()
	if body != nil {
		defer body.release()
		h = body.prompt.Peek(body.bytes, x.hints.scratch)
		if len(h.Model) > cap(x.hints.scratch) {
			x.hints.scratch = make([]byte, 0, 2*len(h.Model))
		}
		if x.hints.model != string(h.Model) {
			x.hints.model = x.handler.models.get(h.Model)
		}
		x.hints.said = true
	} else if length := x.conn.Request.ContentLength; length > 0 {
		h.PromptBytes = int(length)
	}
	x.hints.features = predict.Features{PromptBytes: h.PromptBytes, MaxTokens: h.MaxTokens, Stream: h.Stream}
	if usage {
		x.identify(body)
		if x.who.Features, x.who.Body = x.hints.features, x.bodyHash(); x.hints.said {
			x.who.Model = x.hints.model
		}
	}
	if wants.Prompts {
		x.describe(body, &h, wants.Blocks)
	}
	if p := x.upstream.Predictor; p != nil && x.upstream.WantsWork {
		x.request.Work = p.Size(h.Model, x.hints.features)
	}
}

// peekBytes is how large a body may be that is looked into. A larger one takes so
// long to read that its length says enough.
const peekBytes = 4 << 20

var contiguous sync.Pool // of *peeked, for bodies that lie in several blocks

// peeked is a body in one piece.
type peeked struct {
	bytes   []byte
	own     []byte // memory for a body that lies in several blocks
	prompt  payload.Prompt
	hasher  prefix.Hasher
	picture [8]byte
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
	p.prompt.Forget()
	contiguous.Put(p)
}
