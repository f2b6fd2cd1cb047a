// The tokens of an answer: each as it passes, and their sum as the engine says it.

package proxy

import (
	"sync"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
)

var tallies = sync.Pool{New: func() any { return new(payload.Tally) }}

// countTokens begins to count the answer's tokens, where the balancer wants to hear of them, or somebody of
// their sum.
func (a *attempt) countTokens(s stream) {
	if a.follows = a.lease.Follows(); !a.follows && !a.x.generation.Usage {
		return
	}
	a.tally, a.heldUp = tallies.Get().(*payload.Tally), a.x.conn.Blocked
	switch s {
	case serverSent:
		a.tally.Begin(payload.Events)
	case jsonPerLine:
		a.tally.Begin(payload.JSONLines)
	default:
		a.tally.Begin(payload.OneBody)
	}
}

// passed counts the tokens in a piece of the answer. Those that had to wait for the client say nothing of the endpoint's speed.
func (a *attempt) passed(piece []byte) {
	if !a.follows {
		a.tally.Look(piece)
		return
	}
	if blocked := a.x.conn.Blocked; blocked != a.heldUp {
		a.lease.Blocked(blocked - a.heldUp)
		a.heldUp = blocked
	}
	if n := a.tally.Pass(piece); n > 0 {
		a.lease.Token(n)
	}
}

// usage is what the endpoint has said so far that the request was.
func (a *attempt) usage() (u balancer.Usage) {
	if a.tally != nil {
		said := a.tally.Usage()
		u = balancer.Usage{PromptTokens: said.Prompt, CachedTokens: said.Cached, CompletionTokens: said.Completion}
	}
	return u
}

// forgetTally ends the count.
func (a *attempt) forgetTally() {
	if a.tally != nil {
		tallies.Put(a.tally)
		a.tally = nil
	}
}
