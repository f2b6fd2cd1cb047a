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
		if x.upstream.WantsWork || wants.Prompts || !x.endsTell(body, &h) {
			h = body.prompt.Peek(body.whole(&x.held), x.hints.scratch)
		}
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

// peeked is what is looked at of a body.
type peeked struct {
	bytes   []byte // the body in one piece, once whole was called
	own     []byte // memory for a body that lies in several blocks, or for its end
	prompt  payload.Prompt
	hasher  prefix.Hasher
	picture [8]byte
}

// peekable is for a look into the body, if it is at hand and worth one.
func (x *exchange) peekable() *peeked {
	h := &x.held
	if !h.whole || h.n == 0 || h.n > peekBytes {
		return nil
	}
	p, ok := contiguous.Get().(*peeked)
	if !ok {
		p = new(peeked)
	}
	return p
}

// whole is the body in one piece.
func (p *peeked) whole(h *held) []byte {
	if p.bytes = h.small(); h.n > wire.BlockBytes {
		p.own = p.own[:0]
		for piece := range h.pieces {
			p.own = append(p.own, piece...)
		}
		p.bytes = p.own
	}
	return p.bytes
}

// Bodies of more than wholeBytes are not gone through for those who only keep use: 48 KiB take up to 50 µs. What they want to know stands
// in the first headBytes or the last tailBytes of most.
const (
	wholeBytes = 16 << 10
	headBytes  = 1 << 10
	tailBytes  = 2 << 10
)

// endsTell takes the hints from both ends of a large body. It reports false where it must be gone through: the model is not there, or the
// body has pictures, whose length says nothing of the prompt.
func (x *exchange) endsTell(p *peeked, to *payload.Hints) bool {
	h := &x.held
	if h.n <= wholeBytes || h.pictured() {
		return false
	}
	p.own = h.appendEnd(p.own[:0], tailBytes)
	hints, ok := p.prompt.PeekEnds(h.blocks[0][:headBytes], p.own, h.n, x.hints.scratch)
	if ok {
		*to = hints
	}
	return ok
}

func (p *peeked) release() {
	p.bytes = nil
	p.prompt.Forget()
	contiguous.Put(p)
}
