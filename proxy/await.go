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
func (x *exchange) await(sent error, until time.Duration) error {
	if sent != nil {
		x.broke = wire.Now()
		until = x.broke + earlyAnswer
	}
	for interim := 0; interim < maxInterim; {
		size, err := x.up.ReadHead(&x.answer, until)
		if err != nil {
			if until = x.uploadExtends(until); until > wire.Now() && fault.As(err).Kind == fault.FirstByteTimeout {
				continue
			}
			return x.awaitFailed(err, sent)
		}
		if x.answered = wire.Now(); x.answer.Status >= 200 || x.answer.Status == 101 {
			return x.accept(size, sent)
		}
		if err := x.interim(); err != nil {
			return err
		}
		x.up.Discard(size)
		x.up.Reused = false // it has answered: whatever happens now, it had not died idle
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
func (x *exchange) accept(size int, sent error) error {
	if x.answer.Status == 101 && !(x.asksUpgrade() && strict.Names(x.conn.Request.Upgrade, x.answer.Get("upgrade"))) {
		return fault.New(fault.BadAnswer, errUnasked101)
	}
	x.target.Metrics.AddBytes(metrics.FromUpstream, size)
	x.headSize = size
	x.clean = sent == nil && x.answer.Persistent() && !(x.answer.Minor == 0 && x.answer.Chunked)
	return nil
}

// awaitFailed says why no answer came. What went wrong with the upload is the
// reason, where something did: the endpoint was still waiting for it.
func (x *exchange) awaitFailed(err, sent error) error {
	if failed := x.uploadFailure(); failed != nil {
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
	f.Ended = x.up.Reused
	return f
}

// interim passes a 1xx answer on to a client that knows such answers. 100 is
// ours to send: the client's body was asked for already.
func (x *exchange) interim() error {
	if x.answer.Status == 100 || x.minor == 0 {
		return nil
	}
	out := x.takeOut()
	b := appendStatusLine(out.B[:0], x.answer.Status, x.answer.Reason)
	for i := range x.answer.Fields {
		b = appendAnswerField(b, &x.answer.Fields[i], false)
	}
	b = append(b, "\r\n"...)
	err := x.conn.Send(b)
	x.dropOut()
	if err != nil {
		return clientWriteFault(err)
	}
	return nil
}
