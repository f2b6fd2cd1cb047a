// Waiting for the head of an endpoint's final answer.

package proxy

import (
	"errors"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

const (
	// maxInterim bounds the 1xx answers before a final one.
	maxInterim = 16
	// earlyAnswer is how long an answer is waited for on a connection that takes
	// no more: an endpoint may answer 413 and close before it has read all.
	earlyAnswer = 100 * time.Millisecond
)

// await reads heads until one is final. sent is the error of sending, after
// which an answer may still stand on the connection.
func (a *attempt) await(sent error, until time.Duration) error {
	if sent != nil {
		a.broke = wire.Now()
		until = a.broke + earlyAnswer
	}
	for interim := 0; interim < maxInterim; {
		size, err := a.up.ReadHead(&a.answer, until)
		if err != nil {
			if until = a.uploadExtends(until); until > wire.Now() && fault.As(err).Kind == fault.FirstByteTimeout {
				continue
			}
			return a.awaitFailed(err, sent)
		}
		if a.answered = wire.Now(); a.answer.Status >= 200 || a.answer.Status == 101 {
			return a.accept(size, sent)
		}
		if err := a.interim(); err != nil {
			return err
		}
		a.up.Discard(size)
		a.up.Reused = false // it has answered: whatever happens now, it had not died idle
		interim++
	}
	return fault.New(fault.BadAnswer, errTooManyInterim)
}

const (
	errTooManyInterim = fault.Reason("too many 1xx answers")
	errUnasked101     = fault.Reason("it switched protocols without being asked to")
)

// accept takes a final answer. Its head stays in the connection's buffer until
// the client's head is built from it.
func (a *attempt) accept(size int, sent error) error {
	if a.answer.Status == 101 && !(a.x.asksUpgrade() && strict.Names(a.x.conn.Request.Upgrade, a.answer.Get("upgrade"))) {
		return fault.New(fault.BadAnswer, errUnasked101)
	}
	a.target.Metrics.AddBytes(metrics.FromUpstream, size)
	a.headSize = size
	a.hearLoad()
	a.pause = a.asksForPause()
	a.clean = sent == nil && a.answer.Persistent() && !(a.answer.Minor == 0 && a.answer.Chunked)
	return nil
}

// awaitFailed says why no answer came. What went wrong with the upload is the
// reason, where something did: the endpoint was still waiting for it.
func (a *attempt) awaitFailed(err, sent error) error {
	if failed := a.uploadFailure(); failed != nil {
		return failed
	}
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return err
	case sent == nil || f.Kind != fault.FirstByteTimeout:
		return f
	case errors.Is(sent, wire.ErrTimeout):
		return fault.New(fault.IdleTimeout, nil)
	}
	f = fault.New(fault.Closed, sent)
	f.Ended = a.up.Reused
	return f
}

// interim passes a 1xx answer on to a client that knows such answers, and has not got the head of another one: it would
// lie in the middle of that. 100 is ours to send: the client's body was asked for already.
func (a *attempt) interim() error {
	if a.answer.Status == 100 || a.x.reply.minor == 0 || a.x.reply.status != 0 || a.x.racing {
		return nil
	}
	a.x.history.told = true
	out := outBuffers.Get()
	defer out.Release()
	b := appendStatusLine(out.B[:0], a.answer.Status, a.answer.Reason)
	for i := range a.answer.Fields {
		b = appendAnswerField(b, &a.answer.Fields[i], false)
	}
	return clientWriteFault(a.x.conn.Send(append(b, "\r\n"...)))
}
