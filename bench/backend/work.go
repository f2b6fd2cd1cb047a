package backend

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// WorkHeader names the work of a request in units, a positive decimal. It wins
// over max_tokens, so that a recorded trace can carry the true work of a
// request while max_tokens is only the hint a client gave.
const WorkHeader = "X-Simulated-Work"

// tokenLimit bounds one answer, as the context length does in an engine.
const tokenLimit = 1 << 17

// job is one request's work on one server.
type job struct {
	tokens     int
	firstToken time.Duration // before decoding begins
	decode     time.Duration // of all tokens together
}

// service is how long the job holds a slot.
func (j job) service() time.Duration { return j.firstToken + j.decode }

// due says when token k (from 0) of a job that started at start is complete.
// The last one ends the service, so pauses that round up do not accumulate.
func (j job) due(start time.Time, k int) time.Time {
	share := float64(k+1) / float64(j.tokens)
	return start.Add(j.firstToken + time.Duration(share*float64(j.decode)))
}

// slowed is the same job on a server that is factor times slower.
func (j job) slowed(factor int) job {
	j.firstToken *= time.Duration(factor)
	j.decode *= time.Duration(factor)
	return j
}

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
func (w *workload) job(units float64, maxTokens int) job {
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
	decode := units * float64(w.options.unitService()-w.options.FirstToken)
	return job{tokens: tokens, firstToken: w.options.FirstToken, decode: time.Duration(decode)}
}

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
