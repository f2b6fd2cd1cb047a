package proxy

import (
	"errors"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

const (
	// maxTried is how many endpoints one request may be sent to.
	maxTried = 2
	// maxInterim bounds the 1xx answers before a final one.
	maxInterim = 16
	// inlineBytes is how much of a body is written without reading the answer
	// at the same time: a socket takes as much without waiting for its peer.
	inlineBytes = 16 << 10
	// earlyAnswer is how long an answer is waited for on a connection that takes
	// no more: an endpoint may answer 413 and close before it has read all.
	earlyAnswer = 100 * time.Millisecond
)

// attempt sends the request to an endpoint, and to another or over another
// connection when that is safe, until the head of a final answer is there.
func (x *exchange) attempt() error {
	for {
		err := x.try()
		if err == nil {
			return nil
		}
		if _, refused := err.(*strict.Refusal); refused && x.cancel.Cause() == nil { // of the upload
			x.failure = err
			x.release(false)
			return err
		}
		f := x.blame(err)
		x.failure = f
		switch {
		case x.mayResend(f):
			x.resent = true
			x.target.Metrics.Repeated(metrics.RepeatStale)
			x.disconnect(false)
		case x.mayMove(f):
			x.moved = true
			x.target.Metrics.Repeated(metrics.RepeatConnect)
			x.exclude(x.lease.Endpoint())
			x.release(false)
		default:
			x.release(false)
			return f
		}
		x.failure = nil
	}
}

// mayResend says whether to send the request again to the same endpoint, on a
// fresh connection: once, when the connection had most likely died while idle.
// Nothing has reached the client yet.
func (x *exchange) mayResend(f *fault.Error) bool {
	return f.Stale && !x.resent && x.repeatable()
}

// mayMove says whether to try another endpoint: once, when the endpoint has not
// got one byte of the request.
func (x *exchange) mayMove(f *fault.Error) bool {
	return x.leased && !f.Sent && f.Kind.Source() == fault.Upstream && !x.moved && x.repeatable()
}

func (x *exchange) repeatable() bool { return x.upload == nil && !x.conn.Gone() }

// exclude keeps the next attempt away from an endpoint.
func (x *exchange) exclude(e *balancer.Endpoint) {
	n := len(x.request.Exclude)
	x.tried[n] = e
	x.request.Exclude = x.tried[:n+1]
}

// try is one attempt: endpoint, connection, request, head of the answer. An idle
// connection that turns out to be dead before anything was written is not worth
// a word: the next one is taken.
func (x *exchange) try() error {
	if err := x.acquire(); err != nil {
		return err
	}
	for {
		if err := x.connect(); err != nil {
			return err
		}
		x.phase = metrics.PhaseUpload
		until := wire.Within(x.upstream.FirstByte)
		sent := x.send(until)
		x.phase = metrics.PhaseFirstByte
		if !errors.Is(sent, wire.ErrUnsound) {
			return x.await(sent, until)
		}
		if reused := x.up.Reused; !reused {
			return fault.New(fault.Closed, sent).Unsent()
		}
		x.disconnect(false)
	}
}

// connect takes a connection to the leased endpoint.
func (x *exchange) connect() error {
	x.phase = metrics.PhaseConnect
	begin := wire.Now()
	up, err := x.target.Conns.Acquire(&x.cancel, x.resent)
	if err != nil {
		return err
	}
	x.up, x.dispatched = up, begin
	if !up.Reused {
		x.dispatched = wire.Now()
		x.waited += x.dispatched - begin
	}
	return x.cancel.Bind(up)
}

// acquire leases an endpoint, unless this is a repeat that keeps the one it has.
func (x *exchange) acquire() error {
	if x.leased {
		return nil
	}
	x.phase = metrics.PhaseQueue
	lease, err := x.upstream.Pool.Acquire(&x.request)
	switch {
	case err == nil:
		x.lease, x.leased = lease, true
		x.target = lease.Endpoint().Via().(*Target)
		return nil
	case x.moved:
		return fault.New(fault.Connect, errNoOther).Unsent()
	}
	return fault.New(fault.NoEndpoint, nil).Unsent()
}

var errNoOther = errors.New("not reached, and no other endpoint is eligible")

// send writes the request; where nothing more is to be sent it waits for the
// answer to begin, until the moment until. A large or unfinished body goes out on
// a goroutine of its own, so that an answer that comes first is seen.
func (x *exchange) send(until time.Duration) error {
	f := forwarding{length: -1}
	r := x.conn.Request
	large := false
	switch {
	case x.held.whole && r.Chunked && len(x.conn.Trailer()) > 0:
		f.chunked, large = true, true
	case x.held.whole:
		if r.HasBody() || r.ContentLength == 0 {
			f.length = int64(x.held.n)
		}
		large = x.held.n > inlineBytes
	case r.Chunked:
		f.chunked, large = true, true
	default:
		f.length, large = r.ContentLength, true
	}
	out := x.takeOut()
	b := x.appendHead(out.B[:0], x.target, f)
	if !large {
		b = append(b, x.held.bytes()...)
	}
	err := x.up.Send(b, large, until, x.upstream.Idle)
	x.target.Metrics.AddBytes(metrics.ToUpstream, len(b))
	x.dropOut()
	if err == nil && large {
		return x.startUpload(f.chunked)
	}
	return err
}

// await reads heads until one is final. sent is the error of sending, after
// which an answer may still stand on the connection.
func (x *exchange) await(sent error, until time.Duration) error {
	if sent != nil {
		until = wire.Now() + earlyAnswer
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
		interim++
	}
	return fault.New(fault.BadAnswer, errTooManyInterim)
}

var (
	errTooManyInterim = errors.New("too many 1xx answers")
	errUnasked101     = errors.New("it switched protocols without being asked to")
)

// accept takes a final answer. Its head stays in the connection's buffer until
// the client's head is built from it.
func (x *exchange) accept(size int, sent error) error {
	if x.answer.Status == 101 && (x.held.n > 0 || !strict.Names(x.conn.Request.Upgrade, x.answer.Get("upgrade"))) {
		return fault.New(fault.BadAnswer, errUnasked101)
	}
	x.target.Metrics.AddBytes(metrics.FromUpstream, size)
	x.headSize = size
	x.clean = sent == nil && x.answer.Persistent()
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
	f.Stale = x.up.Reused
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

var outBuffers = wire.NewBuffers(transport.BufferBytes + 8<<10)

// takeOut is the buffer in which something for either side is put together; it
// is held only while that lasts.
func (x *exchange) takeOut() *wire.Buffer {
	if x.out == nil {
		x.out, x.n = outBuffers.Get(), 0
	}
	return x.out
}

func (x *exchange) dropOut() {
	if x.out != nil {
		x.out.Release()
		x.out, x.n = nil, 0
	}
}
