// An attempt: one try at an endpoint, from its connection to its only way out.

package proxy

import (
	"errors"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// attempt is one try to get an answer from an endpoint: all that it holds and all that
// was seen of it. It begins with acquire and ends with end, once, however it goes; then
// the same attempt may begin anew. Its goroutine owns it; cancel is what others may use.
//
// Two attempts of one exchange share nothing but what the exchange keeps unchanged while
// they run: the request's head and the held body.
type attempt struct {
	x      *exchange
	cancel wire.Cancel // ends with the exchange's, or alone; bound to what the attempt waits for

	lease    balancer.Lease // from acquire to end, else zero
	target   *Target        // of the last lease; stays after end
	inFlight int64          // requests at the endpoint when it was leased, this one included
	up       *transport.Conn
	upload   *upload // of a large body, under way
	answer   strict.Answer
	why      balancer.Choice // of its endpoint; where the upstream's PickHeader asks for it
	asksLoad bool            // the request asked for the engine's load, which the client did not
	headSize int             // bytes of the answer's head in the connection's buffer
	body     transport.Body
	clean    bool           // after the answer the connection may serve another request
	whole    bool           // the answer has come to its end
	kept     *kept          // the answer, once it was taken off the connection to make way for another try
	tally    *payload.Tally // of its answer's tokens; nil: nobody wants to know
	follows  bool           // the balancer wants to hear of each
	heldUp   time.Duration  // with tally: how long the client had made writes wait when the last piece came
	phase    metrics.Phase
	ended    Attempted // what the last lease came to
	moments
}

// moments are what clocks say of an attempt. Moments are 0 while not reached.
type moments struct {
	begun      time.Duration // it asked for an endpoint, or went out once more
	leasedAt   time.Duration // it got one; 0 once more time may have gone by
	dispatched time.Duration // it had a connection
	broke      time.Duration // writing to the endpoint failed
	answered   time.Duration // a head of an answer was there
	done       time.Duration // how it ended was clear
	firstByte  time.Duration // a byte of the body was there, or it was clear that none would be
	waited     time.Duration // since begun, for a slot and for a connection
	pause      time.Duration // the endpoint asked to be left alone for; 0: it did not ask
	connecting time.Duration // a new connection took; 0: none was made
	blocked    time.Duration // how long the client had made writes wait before dispatched
}

// initialise makes a an attempt of x: it ends when x does, if it has not before.
func (a *attempt) initialise(x *exchange) {
	a.x = x
	x.attempts = append(x.attempts, a)
	x.cancel.Join(&a.cancel)
}

// reset forgets what the attempt saw, but for its memory. It must have ended.
func (a *attempt) reset() {
	a.lease, a.target, a.inFlight = balancer.Lease{}, nil, 0
	a.answer.Status, a.clean, a.whole, a.kept = 0, false, false, nil
	a.phase, a.ended, a.moments = metrics.PhaseRead, Attempted{}, moments{}
}

// try sends the request to the leased endpoint and waits for the head of its answer. An
// idle connection that turns out to be dead before anything was written is not worth a
// word: the next one is taken.
func (a *attempt) try() error {
	for {
		if err := a.connect(); err != nil {
			return err
		}
		sent, err := a.ask()
		if !errors.Is(sent, wire.ErrUnsound) {
			return err
		}
		if reused := a.up.Reused; !reused {
			return fault.New(fault.Closed, sent).Unsent()
		}
		a.disconnect(false)
	}
}

// ask sends the request and, unless the connection was dead before, waits for the head of its
// answer. sent is the error of sending, err that of both.
func (a *attempt) ask() (sent, err error) {
	if a.x.held.whole { // else it may be the client that is waited for
		waiting := &a.target.Waiting
		waiting.Add(1)
		defer waiting.Add(-1)
	}
	a.phase = metrics.PhaseUpload
	until := wire.After(a.dispatched, a.x.upstream.FirstByte)
	sent = a.send(until)
	a.phase = metrics.PhaseFirstByte
	if errors.Is(sent, wire.ErrUnsound) {
		return sent, sent
	}
	return sent, a.await(sent, until)
}

// connect takes a connection to the leased endpoint, a fresh one where the last had died.
func (a *attempt) connect() error {
	a.phase = metrics.PhaseConnect
	a.answer.Status, a.dispatched, a.answered, a.broke, a.pause, a.connecting, a.done = 0, 0, 0, 0, 0, 0, 0 // of a connection before
	begin := a.leasedAt
	if a.leasedAt = 0; begin == 0 {
		begin = wire.Now()
	}
	up, err := a.target.Conns.Acquire(&a.cancel, a.x.history.Resent > 0, begin)
	if err != nil {
		return err
	}
	a.up, a.dispatched, a.blocked = up, begin, a.x.conn.Blocked
	if !up.Reused {
		a.lease.Reached()
		a.dispatched = wire.Now()
		a.connecting = a.dispatched - begin
		a.waited += a.connecting
	}
	return a.cancel.Bind(a)
}

// Poke wakes the attempt from what it may wait for while it has a connection. It is for
// cancel to call, under whose lock up is set and taken away.
func (a *attempt) Poke() { a.up.Poke() }

// inlineBytes is how much of a body is written without reading the answer at the same
// time: a socket takes as much without waiting for its peer.
const inlineBytes = 16 << 10

// send writes the request; where nothing more is to be sent it waits for the
// answer to begin, until the moment until. A large or unfinished body goes out on
// a goroutine of its own, so that an answer that comes first is seen.
func (a *attempt) send(until time.Duration) error {
	x := a.x
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
	out := outBuffers.Get()
	defer out.Release()
	b := a.appendHead(out.B[:0], f)
	if !large {
		b = append(b, x.held.small()...)
	}
	err := a.up.Send(b, large, until, x.upstream.Idle)
	a.target.Metrics.AddBytes(metrics.ToUpstream, len(b))
	if err == nil && large {
		return a.startUpload(f.chunked)
	}
	return err
}

// disconnect gives the connection back, if there is one.
func (a *attempt) disconnect(reusable bool) {
	if a.up == nil {
		return
	}
	a.joinUpload()
	if a.cancel.Unbind() != nil {
		reusable = false
	}
	a.up.Done = a.done
	a.up.Release(reusable)
	a.up = nil
}

// end gives back all that the attempt holds, and tells who wants to know how it went. It
// is the only way out, so that what is in flight can not drift; after the first time it
// does nothing. Only what was answered in full leaves a connection behind that may serve
// another request.
func (a *attempt) end(o balancer.Outcome) {
	if a.release(o) {
		a.x.conn.Hurry(false)
	}
}

// release is end for an attempt beside the current one. It reports whether there was anything to end.
func (a *attempt) release(o balancer.Outcome) bool {
	a.joinUpload()
	whole := a.whole && o.Class == balancer.Answered
	if whole && a.up != nil {
		a.body.Settle()
	}
	a.disconnect(a.clean && whole)
	a.forgetTally()
	if !a.leased() {
		return false
	}
	lease := a.lease
	a.lease = balancer.Lease{}
	a.judge(o, lease.Endpoint().Load().InFlight())
	lease.Release(o)
	a.x.handler.leases.Add(-1)
	return true
}

// giveUp ends an attempt that got no answer. Where it failed for want of something of ours
// no endpoint had to do with it, and none is told of.
func (a *attempt) giveUp(f *fault.Error) {
	o := a.outcome(classOf(f))
	if o.Class == balancer.ConnectFailed {
		o.Reason = f.Why()
	}
	a.end(o)
	if f.Kind == fault.Shortage {
		a.target = nil
	}
}

// rewind lets the time that an attempt has taken begin anew, and returns how long it was.
func (a *attempt) rewind() time.Duration {
	begun := a.begun
	a.begun, a.waited = wire.Now(), 0
	return a.begun - begun
}

// leased says whether the attempt has an endpoint.
func (a *attempt) leased() bool { return a.lease.Endpoint() != nil }

// classOf is what a failure, nil for none, makes of the attempt.
func classOf(f *fault.Error) balancer.OutcomeClass {
	if f == nil {
		return balancer.Answered
	}
	switch f.Kind {
	case fault.Connect, fault.ConnectTimeout:
		return balancer.ConnectFailed
	case fault.FirstByteTimeout, fault.Forsaken, fault.IdleTimeout, fault.TotalTimeout:
		return balancer.TimedOut
	case fault.Closed, fault.BadAnswer:
		return balancer.Failed
	case fault.Truncated:
		return balancer.Truncated
	case fault.ClientGone, fault.ClientStalled, fault.ClientSlow:
		return balancer.ClientGone
	}
	return balancer.Refused
}
