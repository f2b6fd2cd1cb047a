// How much work a request is.

package backend

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// WorkHeader names the work of a request in units, a positive decimal. It wins
// over max_tokens, so that a recorded trace can carry the true work of a
// request while max_tokens is only the hint a client gave.
const WorkHeader = "X-Simulated-Work"

// tokenLimit bounds one answer, as the context length does in an engine.
const tokenLimit = 1 << 17

// workload turns requests into jobs.
type workload struct {
	options Options

	mu    sync.Mutex // guards draws; every request that leaves its size open takes one
	draws *rand.Rand
}

func newWorkload(o Options) *workload {
	return &workload{options: o, draws: rand.New(rand.NewPCG(o.Seed, 0))}
}

// job sizes a request. units is the work asked for by header and maxTokens by
// the body, each 0 where not given.
func (w *workload) job(units float64, maxTokens int, p prompt) *job {
	perUnit := float64(w.options.UnitTokens)
	tokens := maxTokens
	switch {
	case units > 0:
		tokens = wholeTokens(units * perUnit)
	case maxTokens > 0:
		units = float64(maxTokens) / perUnit
	default:
		units = w.draw()
		tokens = wholeTokens(units * perUnit)
	}
	j := newJob(engine.Job{PromptTokens: p.tokens, Prefix: p.prefix, Work: units, Tokens: 1}, tokens)
	if w.options.Engine.Kind != "" {
		j.asked.Tokens = tokens
	}
	return j
}

// PromptTokens is how many tokens a server counts in a prompt of so many bytes of JSON: about four
// bytes each, as in English.
func PromptTokens(jsonBytes int) int { return jsonBytes/4 + 1 }

func (w *workload) draw() float64 {
	if w.options.Work == Fixed {
		return 1
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.draws.ExpFloat64()
}

// wholeTokens rounds a number of tokens to one an answer can have.
func wholeTokens(n float64) int {
	return int(min(max(math.Round(n), 1), tokenLimit))
}
