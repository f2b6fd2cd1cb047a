// One request's work, and how far it has come.

package backend

import (
	"context"
	"errors"
	"math"
	"sync/atomic"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// job is one request's work on one server.
type job struct {
	asked   engine.Job
	tokens  int
	streams bool  // each token is told, not only the last
	id      int32 // the clock's, under its mutex

	// cached is how many tokens of the prompt the engine remembered; written by the clock before made says that
	// service has begun.
	cached int

	made atomic.Int64  // tokens complete; waits before service. Written by the clock under its mutex
	news chan struct{} // one place, filled by the clock when made has changed
}

const (
	waits   = -1            // stands for the tokens of a job that is not served yet
	refused = math.MaxInt64 // and of one that never will be
)

// errRefused is the end of a job for which there is not enough memory.
var errRefused = errors.New("there is no memory for the request")

func newJob(asked engine.Job, tokens int) *job {
	j := &job{asked: asked, tokens: tokens, news: make(chan struct{}, 1)}
	j.made.Store(waits)
	return j
}

// stream has each token told.
func (j *job) stream() { j.streams, j.asked.Tokens = true, j.tokens }

func (j *job) tell(made int) {
	j.made.Store(int64(made))
	select {
	case j.news <- struct{}{}:
	default: // it has yet to hear of the last
	}
}

// done reports whether the job was served to its end, or refused.
func (j *job) done() bool { return j.made.Load() >= int64(j.tokens) }

// await waits until so many tokens are made, 0 for the start of service. Its
// error is the end of ctx, or errRefused.
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
	if j.made.Load() == refused {
		return errRefused
	}
	return nil
}
