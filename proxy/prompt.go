// What a request gives an engine to read, where the policy goes by that.

package proxy

import (
	"encoding/binary"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/prefix"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

// Affinity is where requests say to which session they belong. The zero value: nowhere.
type Affinity struct {
	header string // in lower case; "": none
	body   payload.Tag
}

// NewAffinity names a field of the head, and one of the body for where that is missing: user,
// session_id, metadata.user_id or the like; what is no such name is none.
func NewAffinity(header, body string) Affinity {
	return Affinity{header: strings.ToLower(header), body: payload.Named(body)}
}

// wants is what the policies want to know that may choose the request's endpoint.
func (x *exchange) wants() (w balancer.Wants) {
	for u := x.upstream; u != nil; u = u.Fallback {
		more := u.Pool.Wants()
		w.Prompts, w.Blocks = w.Prompts || more.Prompts, w.Blocks || more.Blocks
	}
	return w
}

// describe says what the request gives an engine to read. The body is nil where it is not at hand.
func (x *exchange) describe(body *peeked, h *payload.Hints, blocks bool) {
	p := &x.request.Prompt
	p.Bytes = int64(h.PromptBytes)
	p.Unread = p.Bytes > 0 && (body == nil || !h.OK)
	p.Streams = h.Stream || x.api == ollama && !h.Whole
	if !blocks {
		return
	}
	p.BlockBytes = prefix.BlockBytes(p.Bytes)
	if body != nil && h.OK && p.Bytes >= prefix.Block {
		x.hints.blocks = body.chain(h.Model, p.BlockBytes, x.hints.blocks)
		p.Blocks = x.hints.blocks
	}
	if p.Session = x.session(body); p.Session != 0 && len(p.Blocks) == 0 {
		x.hints.blocks = prefix.StandIn(p.Session, p.Bytes, x.hints.blocks)
		p.Blocks = x.hints.blocks
	}
}

// session is the hash of what says to which session the request belongs; 0: nothing does.
func (x *exchange) session(body *peeked) uint64 {
	a := &x.upstream.Affinity
	if a.header != "" {
		if name := x.conn.Request.Get(a.header); len(name) > 0 {
			return prefix.Join(0, name)
		}
	}
	if body != nil && a.body != payload.NoTag {
		if name := body.prompt.Tag(a.body); len(name) > 0 {
			return prefix.Join(uint64(a.body), name)
		}
	}
	return 0
}

// chain makes the hashes of the prompt in the body that was peeked at. A picture counts by its
// hash: all of its bytes must be equal, and its length says nothing of its tokens.
func (p *peeked) chain(model []byte, blockBytes int, into []uint64) []uint64 {
	seed := prefix.Join(0, model)
	for text := range p.prompt.Apart {
		seed = prefix.Join(seed, text)
	}
	p.hasher.Reset(seed, blockBytes)
	for piece, picture := range p.prompt.Pieces {
		if picture {
			binary.LittleEndian.PutUint64(p.picture[:], prefix.Join(0, piece))
			piece = p.picture[:]
		}
		if p.hasher.Write(piece); p.hasher.Full() {
			break
		}
	}
	return p.hasher.Chain(into)
}

// countPrompt counts the prompt of the request that got the attempt its lease, and how much of it was expected in the
// endpoint's cache.
func (a *attempt) countPrompt(r *balancer.Request) {
	if p := &r.Prompt; p.Bytes > 0 && a.lease.Follows() {
		a.target.Metrics.PromptSent(p.Bytes, p.Cached)
	}
}
