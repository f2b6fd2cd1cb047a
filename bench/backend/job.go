// One request's work, and how far it has come.

package backend

import (
	"context"
	"sync/atomic"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// job is one request's work on one server.
type job struct {
	asked  engine.Job
	tokens int
	id     int32 // the clock's, under its mutex

	made atomic.Int64  // tokens complete; waits before service. Written by the clock under its mutex
	news chan struct{} // one place, filled by the clock when made has changed
}

// waits stands for the tokens of a job that is not served yet.
const waits = -1

func newJob(asked engine.Job, tokens int) *job {
	j := &job{asked: asked, tokens: tokens, news: make(chan struct{}, 1)}
	j.made.Store(waits)
	return j
}

// stream has each token told, not only the last.
func (j *job) stream() { j.asked.Tokens = j.tokens }

func (j *job) tell(made int) {
	j.made.Store(int64(made))
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
