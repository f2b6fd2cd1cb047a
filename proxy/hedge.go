// Hedging: a second attempt beside a first that is slow to answer.

package proxy

import (
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// errHedgeLost ends an attempt beside which another was faster. It counts against nobody.
var errHedgeLost = fault.New(fault.Internal, fault.Reason("another endpoint has answered first"))

// hedge is a second attempt that begins if the first has no answer in time. It runs on a goroutine of
// its own, until done; the exchange's is in the first attempt meanwhile.
type hedge struct {
	x       *exchange
	first   *attempt
	request balancer.Request
	done    chan struct{}

	mu     sync.Mutex // guards the fields down to failed
	second *attempt   // nil: none was made
	winner *attempt   // who answered first; nil: nobody yet
	closed bool       // it is too late for a second one
	alone  bool       // the first has failed: what becomes of the second is for the exchange's goroutine to say
	failed bool       // the second has, before the first

	// Written by run, read after done.
	at    *balancer.Endpoint // of the second attempt
	err   error              // why that failed, if it did
	sent  bool               // the endpoint may have read the request
	broke bool               // and broke off
}

// send makes the current attempt, and a second one beside it where that is wanted.
func (x *exchange) send() error {
	if x.tries > 1 || !x.upstream.Hedge.On() || !x.mayHedge() {
		return x.current.try()
	}
	if delay := x.upstream.Hedge.Delay(); delay > 0 {
		return x.race(delay)
	}
	err := x.current.try()
	if err == nil && !x.upstream.Retry.Statuses.Has(x.current.answer.Status) {
		x.sawDelay(x.current.answered - x.current.dispatched)
	}
	return err
}

// mayHedge says whether the request may be at two endpoints at once.
func (x *exchange) mayHedge() bool {
	return x.held.whole && int64(x.held.n) <= x.generation.ReplayBytes && x.idempotent() && !x.asksUpgrade()
}

func (x *exchange) sawDelay(took time.Duration) {
	if d := x.upstream.Hedge.Delays; d != nil {
		d.See(took)
	}
}

// race makes the current attempt, and a second one if that takes longer than the delay. It returns how the better
// of them ended, which is the current one then. The other one has ended.
func (x *exchange) race(delay time.Duration) error {
	first := x.current
	x.upstream.Hedge.Budget.Request(first.begun)
	x.requestID() // now: both attempts need it
	x.racing = true
	defer func() { x.racing = false }()
	h := &hedge{x: x, first: first, done: make(chan struct{})}
	h.request = balancer.Request{Exclude: []*balancer.Endpoint{first.lease.Endpoint()}, Work: x.request.Work, Prompt: x.request.Prompt, Priority: x.request.Priority}
	timer := time.AfterFunc(delay, h.run)
	err := first.try()
	if err == nil {
		h.claim(first)
	}
	switch {
	case timer.Stop():
		return h.settle(err)
	case h.handOver():
		lost := x.lost
		h.leave(err)
		<-h.done
		x.lost = lost + h.second.begun - first.begun
		return h.takeOver()
	}
	<-h.done
	return h.settle(err)
}

// handOver leaves the request to the second attempt, where the first has failed and there is one that has not.
func (h *hedge) handOver() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = h.second == nil
	h.alone = h.winner == nil && h.second != nil && !h.failed
	return h.alone
}

// leave ends the first attempt, which has failed, as before any other try.
func (h *hedge) leave(err error) {
	x, a := h.x, h.first
	x.exclude(a.lease.Endpoint())
	if err == nil {
		x.note(retry.Failure{Sent: true})
		a.keep()
	} else {
		f := x.blame(err)
		failure := x.retryable(f)
		x.note(failure)
		if failure.Broke {
			x.suspect(a)
		}
		x.history.failure = f
		a.giveUp(f)
	}
	x.history.Moved++
}

// takeOver makes the second attempt the current one, whatever became of it.
func (h *hedge) takeOver() error {
	x, result := h.x, metrics.HedgeWon
	if h.winner == nil {
		result = metrics.HedgeFailed
	}
	x.tries++
	x.current = h.second
	h.second.hurry()
	x.upstream.Metrics.Hedged(result)
	return h.err
}

// claim makes an attempt that has an answer the winner, if that is one and there is no other yet. The loser is
// cancelled at once.
func (h *hedge) claim(a *attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.winner != nil || h.x.upstream.Retry.Statuses.Has(a.answer.Status) {
		return
	}
	h.winner = a
	if loser := h.beside(a); loser != nil {
		loser.cancel.Cancel(errHedgeLost)
	}
}

func (h *hedge) beside(a *attempt) *attempt {
	if a == h.first {
		return h.second
	}
	return h.first
}

// run is the second attempt, at an endpoint that has a slot free now.
func (h *hedge) run() {
	defer close(h.done)
	x, a := h.x, h.lease()
	if a == nil {
		return
	}
	defer h.recovered(a)
	h.err = a.try()
	class := balancer.Refused // where the first was faster by a little
	switch {
	case h.err == nil && x.upstream.Retry.Statuses.Has(a.answer.Status):
		class = balancer.Answered
	case h.err == nil:
		h.claim(a)
	default:
		f := asFault(h.err)
		h.sent = f.Sent
		h.broke = brokeOff(f) && !(f.Ended && a.diedIdle())
		if cause := a.cancel.Cause(); cause != nil {
			f = asFault(cause)
		}
		class = classOf(f)
	}
	if h.fails() {
		a.release(a.outcome(class))
	}
}

// lease begins the second attempt, if it is not too late and there may be one; else it returns nil.
func (h *hedge) lease() *attempt {
	x := h.x
	h.mu.Lock()
	late := h.winner != nil || h.closed
	h.mu.Unlock()
	if late || !x.upstream.Hedge.Budget.Take(wire.Now(), x.upstream.Hedge.Ratio, x.upstream.underWay()) {
		return nil
	}
	a := new(attempt)
	x.explain(&h.request, &a.why)
	lease, err := x.upstream.Pool.Acquire(&h.request)
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.winner != nil || h.closed {
		lease.Release(balancer.Outcome{Class: balancer.Refused})
		return nil
	}
	x.handler.leases.Add(1)
	a.initialise(x)
	a.begun, a.lease, a.target, a.inFlight = wire.Now(), lease, lease.Endpoint().Via().(*Target), lease.Endpoint().Load().InFlight()
	a.countPrompt(&h.request)
	h.at, h.sent, h.second = lease.Endpoint(), true, a
	return a
}

// fails notes that the second attempt has no answer for the client, where that is so, and reports whether it is to end
// at once: not where the first has failed before.
func (h *hedge) fails() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = h.winner != h.second
	return h.failed && !h.alone
}

// recovered turns a panic into a failed attempt: it is no reason to lose the request.
func (h *hedge) recovered(a *attempt) {
	if r := recover(); r != nil {
		h.x.logPanic(r)
		h.err = fault.New(fault.Internal, nil)
		if h.fails() {
			a.release(a.outcome(balancer.Refused))
		}
	}
}

// settle ends the attempt that has lost. err is how the first ended.
func (h *hedge) settle(err error) error {
	x, first, second := h.x, h.first, h.second
	if second == nil {
		if h.winner == first {
			x.sawDelay(first.answered - first.dispatched)
		}
		return err
	}
	x.tries++
	switch h.winner {
	case first:
		x.sawDelay(first.answered - first.dispatched)
		second.release(second.outcome(balancer.Refused))
		x.upstream.Metrics.Hedged(metrics.HedgeLost)
		return nil
	case second:
		if first.dispatched > 0 {
			x.sawDelay(wire.Now() - first.dispatched) // it would have been longer
		}
		x.lost += second.begun - first.begun
		first.end(first.outcome(balancer.Refused))
		x.current = second
		second.hurry()
		x.upstream.Metrics.Hedged(metrics.HedgeWon)
		return nil
	}
	x.upstream.Metrics.Hedged(metrics.HedgeFailed)
	x.history.Moved++
	if h.sent {
		x.history.Read++
	}
	if h.broke {
		x.history.Broke++
		x.suspect(second)
	}
	x.exclude(h.at)
	return err
}
