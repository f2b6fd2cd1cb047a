// What policies hear of prompts and tokens, and those that exist in simulations only.

package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// Engines is what the engines of a run are asked, at the time of the run.
type Engines interface {
	State(e int) engine.State
	// Cached is how many leading blocks of a chain the engine remembers.
	Cached(e int, chain []uint64) int
}

// Follower is a policy that hears what a gateway of its own would, by calls that the product's balancer does not make.
// Balancers have numbers, from 0 on, in the order in which their first pickers inherit.
type Follower interface {
	balancer.Builder
	Start(engines Engines, now func() time.Duration) // before the first request
	Every() time.Duration                            // how often Tell is called; 0: never
	Tell(e int)                                      // engine e says now what it can say of itself
	// Sent is of the request that was picked last. It returns how many tokens of the prompt the policy takes for cached.
	Sent(balancer int, i int32) (cached float64)
	Token(balancer int, i int32, made int) // the last one too
	Ended(balancer int, i int32)
}

// follow begins to tell policies what they want to know.
func (f *fleet) follow(o Options) {
	if f.loop.trace.Tokens() {
		f.guess(o)
		f.blocks = f.pools[0].Wants().Blocks
		f.loop.passed, f.loop.after = f.pass, f.settle
	}
	f.follower, _ = o.Policy.(Follower)
	if f.follower == nil {
		return
	}
	f.follower.Start(f.loop, f.loop.clock.Now)
	if every := f.follower.Every().Seconds(); every > 0 {
		next := 0.0
		f.loop.before = func(at float64) { // nothing has happened since the tick that was due last
			if at < next {
				return
			}
			for e := range f.loop.engines {
				f.follower.Tell(e)
			}
			next = (math.Floor(at/every) + 1) * every
		}
	}
}

// guess draws the bytes that balancers see of each prompt.
func (f *fleet) guess(o Options) {
	const stream = 1 // of the seed's chance; 0 is that of who gets a request
	chance := rand.New(rand.NewPCG(o.Seed, stream))
	for i := range f.loop.trace.Requests {
		f.bytes = append(f.bytes, bytesPerToken*float64(f.loop.trace.Requests[i].PromptTokens)*math.Exp(o.Guess*chance.NormFloat64()))
	}
}

const bytesPerToken = 4

// prompt is what a balancer sees of the prompt of request i.
func (f *fleet) prompt(i int32) balancer.Prompt {
	if f.bytes == nil {
		return balancer.Prompt{}
	}
	r := &f.loop.trace.Requests[i]
	p := balancer.Prompt{Bytes: int64(f.bytes[i]), Session: uint64(r.Session), Streams: true}
	if f.blocks {
		p.Blocks, p.BlockBytes = engine.Chain(r.Prefix, r.PromptTokens), bytesPerToken*engine.BlockTokens
	}
	return p
}

// pass tells of a token of request i.
func (f *fleet) pass(i int32, made int) {
	if f.follower != nil {
		f.follower.Token(int(f.pool[i]), i, made)
	}
	f.leases[i].Token(1)
	if p := f.pool[i]; made == 1 && len(f.held[p]) > 0 {
		f.read = append(f.read, p)
	}
}

// settle serves those who waited for an endpoint to have less to read.
func (f *fleet) settle() {
	for _, p := range f.read {
		f.collect(int(p))
	}
	f.read = f.read[:0]
}

// ended is how request i ended, as its engine says it.
func (f *fleet) ended(i int32) balancer.Outcome {
	o := f.outcome
	if f.bytes == nil {
		return o
	}
	r := &f.loop.trace.Requests[i]
	if f.loop.results.Response[i] == Unserved {
		o.Status = 400 // there is not so much memory
		return o
	}
	o.Usage = balancer.Usage{PromptTokens: r.PromptTokens, CachedTokens: f.loop.results.Cached[i], CompletionTokens: r.AnswerTokens}
	return o
}

// arrivals are of endpoints that join, and of those who look.
func (f *fleet) arrivals(o Options, l *loop) (changes []change) {
	for _, joins := range f.joins {
		if joins > 0 {
			changes = append(changes, change{at: joins.Seconds(), make: f.tell})
		}
	}
	for at := time.Duration(0); o.Look != nil && at < l.trace.Duration(); at += o.LookEvery {
		changes = append(changes, change{at: at.Seconds(), make: func() { o.Look(at, l) }})
	}
	return changes
}
