// What is learned of all requests of one upstream.

package cost

import (
	"math"
	"sync"
	"sync/atomic"
)

// Upstream is what is learned of all requests of one upstream. Its methods may be called from any
// goroutine.
type Upstream struct {
	tuning atomic.Pointer[Tuning] // written by Tune
	unit   atomic.Uint64          // bits of a float64: work a second that a server of the mean capacity reads; written by Rated
	moved  atomic.Bool            // a rate was measured since the last call of Moved

	mu      sync.Mutex
	answers average // events of an answer
	packed  average // tokens of an event
	prompts ratio   // bytes of a token of prompts
	usual   usual
}

// usual is what requests are in the mean.
type usual struct {
	work    average // of reading a prompt
	context average // tokens that a request has held in the end
}

// What holds before anything was measured, and for how long the past counts.
const (
	usualAnswer, usualPrompt, usualBytes = 200, 1000, 4
	answersKept                          = 200     // answers
	promptsKept                          = 500_000 // tokens
	promptsKnown                         = 4000    // tokens that the usual bytes count as
	fewestBytes, mostBytes               = 0.25, 64
	mostAnswer                           = 100_000 // events of an answer; beyond that one says little of others
	mostPacked                           = 1000    // tokens of an event
)

// Begin says what is known before the first request.
func (u *Upstream) Begin() {
	u.answers, u.packed = average{value: usualAnswer}, average{value: 1}
	u.prompts = ratio{over: usualBytes * promptsKnown, under: promptsKnown}
	u.usual = usual{work: average{value: usualPrompt}, context: average{value: usualPrompt}}
	u.Tune(nil)
	u.Rated(Tuned.Rate)
}

// Tune says by which numbers to go from now on; nil for the usual ones.
func (u *Upstream) Tune(t *Tuning) {
	if t == nil {
		t = &Tuned
	}
	u.tuning.Store(t)
}

// Tuning returns the numbers that it goes by.
func (u *Upstream) Tuning() *Tuning { return u.tuning.Load() }

// Rated says how much work a server of the mean capacity reads in a second.
func (u *Upstream) Rated(unit float64) { u.unit.Store(math.Float64bits(unit)) }

// perServer is what Rated was told last.
func (u *Upstream) perServer() float64 { return math.Float64frombits(u.unit.Load()) }

// Moved reports whether a server's rate was measured since the last call.
func (u *Upstream) Moved() bool { return u.moved.Load() && u.moved.Swap(false) }

// tokens returns how many tokens so many events are, as far as is known.
func (u *Upstream) tokens(events int) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return int64(float64(events)*u.packed.value + 0.5)
}

// sent takes in a request with so much to read.
func (u *Upstream) sent(work int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.usual.work.add(float64(work), answersKept)
}

// answered takes in a request whose answer came whole.
func (u *Upstream) answered(v *Visit, usage Usage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	// What cannot be text says nothing of text: a server may say anything, and a body may be pictures.
	bytes, tokens := float64(v.bytes), float64(usage.PromptTokens)
	if tokens > 0 && bytes >= fewestBytes*tokens && bytes <= mostBytes*tokens {
		u.prompts.add(bytes, tokens, promptsKept)
	}
	u.usual.context.add(float64(v.context), answersKept)
	switch said := float64(usage.CompletionTokens); {
	case v.events > 0:
		u.answers.add(min(float64(v.events), mostAnswer), answersKept)
		if said > 0 {
			u.packed.add(min(max(said/float64(v.events), 1), mostPacked), answersKept)
		}
	case said > 0 || usage.PromptTokens > 0: // nothing but the prompt is read for an embedding
		u.answers.add(min(said/u.packed.value, mostAnswer), answersKept)
	}
}

// average is the mean of the last so many values, about.
type average struct{ value, count float64 }

func (a *average) add(x, kept float64) {
	a.count = min(a.count+1, kept)
	a.value += (x - a.value) / max(a.count, averageKnown)
}

// averageKnown is as how many values the one before the first counts.
const averageKnown = 10

// ratio is one sum over another, of the last so many units of the latter.
type ratio struct{ over, under float64 }

func (r *ratio) add(over, under, kept float64) {
	keep := max(0, 1-under/kept)
	r.over, r.under = r.over*keep+over, r.under*keep+under
}

func (r *ratio) value() float64 { return min(max(r.over/r.under, fewestBytes), mostBytes) }
