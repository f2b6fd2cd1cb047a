// What a policy may want to know of requests, beside what every policy is told.

package balancer

import (
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/cost"
)

// Prompt is what a request gives an engine to read. The zero Prompt says nothing.
type Prompt = cost.Prompt

// Usage is what the engine said that the request was; zeros where it said nothing.
type Usage = cost.Usage

// Wanter is a Builder whose pickers want to know more of requests. Others get none of it, and
// pay nothing for it.
type Wanter interface{ Wants() Wants }

// Wants is what the pickers of a policy want to know.
type Wants struct {
	Prompts bool // Request.Prompt, but for its Blocks; then the server keeps count of it (Load.Server)
	Blocks  bool // those too
	Tokens  bool // Lease.Token, and Outcome.Usage
	// Tuning is the numbers that servers keep count by; nil for the usual ones.
	Tuning *cost.Tuning
}

// wantsOf returns what the pickers of the builder want to know.
func wantsOf(b Builder) Wants {
	if w, ok := b.(Wanter); ok {
		return w.Wants()
	}
	return Wants{}
}

// Wants returns what the policy in force wants to know of requests. It takes no lock.
func (p *Pool) Wants() Wants { return p.snapshot.Load().wants }

// Server returns the state of the server, as those policies see it that want to know prompts.
func (l *Load) Server() *cost.Server { return l.server }

// Now is the clock of the endpoint's pool, for pickers.
func (e *Endpoint) Now() time.Duration { return e.pool.queue.now() }

// Learned returns what is learned of all requests of the endpoint's pool.
func (e *Endpoint) Learned() *cost.Upstream { return &e.pool.learned }
