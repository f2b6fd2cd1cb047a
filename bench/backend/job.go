package backend

import (
	"context"
	"sync/atomic"
)

// job is one request's work on one server. What is left is counted in
// nanoseconds of a server that has nothing else to do.
type job struct {
	tokens int
	stream bool // each token is news, not only the last

	prompt float64 // left of it; the phase of decoding begins at 0. The engine's, under its mutex
	decode float64 // left, of all tokens together. The engine's, under its mutex
	whole  float64 // of decode when service began. The engine's, under its mutex

	made atomic.Int64  // tokens complete; waits before service. Written by the engine under its mutex
	news chan struct{} // one place, filled by the engine when made has changed
}

// waits is what a job has made that is not served yet.
const waits = -1

// over is what counts as nothing left, in nanoseconds: less than sums of
// floating point can tell.
const over = 1e-3

func newJob(tokens int, prompt, decode float64) *job {
	j := &job{tokens: tokens, prompt: prompt, decode: decode, news: make(chan struct{}, 1)}
	j.made.Store(waits)
	return j
}

// begin is the start of service, on a server that is slow or not.
func (j *job) begin(slow bool) {
	if slow {
		j.prompt *= SlowFactor
		j.decode *= SlowFactor
	}
	j.whole = j.decode
}

// left is what the present phase still takes.
func (j *job) left() float64 {
	if j.prompt > 0 {
		return j.prompt
	}
	return j.decode
}

// untilNews is what is left until somebody wants to be told, or of the phase.
func (j *job) untilNews() float64 {
	if j.prompt > 0 || !j.stream {
		return j.left()
	}
	tokensLeft := float64(j.tokens) - float64(j.made.Load()) - 1
	return j.decode - j.whole*tokensLeft/float64(j.tokens)
}

// settle reports whether the job is complete, and says so if it is.
func (j *job) settle() bool {
	if j.prompt > 0 || j.decode > over {
		return false
	}
	j.tell(j.tokens)
	return true
}

// report says how many tokens a job in service has made. The last one is said
// by settle.
func (j *job) report() {
	made := 0
	if j.stream && j.prompt <= 0 && j.whole > 0 {
		done := (j.whole - j.decode) / j.whole
		made = min(int(done*float64(j.tokens)+1e-6), j.tokens-1) // a token due now may miss by a rounding
	}
	j.tell(made)
}

func (j *job) tell(made int) {
	if j.made.Swap(int64(made)) == int64(made) {
		return
	}
	select {
	case j.news <- struct{}{}:
	default: // it has yet to hear of the last
	}
}

// done reports whether the job was served to its end.
func (j *job) done() bool { return j.made.Load() == int64(j.tokens) }

// await waits until so many tokens are made, 0 for the start of service. Its
// error is the end of ctx.
func (j *job) await(ctx context.Context, tokens int) error {
	for j.made.Load() < int64(tokens) {
		select {
		case <-j.news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
