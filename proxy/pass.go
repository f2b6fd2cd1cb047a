// Answers that are passed over for another try.

package proxy

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// kept is an answer that was passed over for another try, and that the client gets if nothing
// better comes.
type kept struct {
	body, trailer []byte
	open          bool          // its head did not say how long it is
	lost          time.Duration // by attempts before it
}

const (
	// mostKept and keepWithin bound the body of an answer that is kept. One that is larger, for which
	// there is no memory, or which does not come, ends with its connection.
	mostKept, keepWithin = 64 << 10, 200 * time.Millisecond
	// longestPause is how long an endpoint's Retry-After is waited for where timeouts.total does
	// not say how long a client has patience.
	longestPause = 5 * time.Second
)

const errPassedOver = fault.Reason("it answered with an error, and no other could be asked")

// passesOver says whether another try is made in place of the answer that is there. Then all
// is ready for it.
func (x *exchange) passesOver() (again bool, err error) {
	a, policy := x.current, &x.upstream.Retry
	status := a.answer.Status
	if !policy.Statuses.Has(status) {
		return false, nil
	}
	f := x.repeats()
	f.Leased, f.Sent, f.Elsewhere, f.Status = true, true, x.cancel.Cause() == nil, status
	verdict := policy.Next(x.history.History, f)
	x.note(f)
	after, pushed := a.pushBack()
	if verdict != retry.Move || !x.other() && !(pushed && after <= x.patience() && a.answer.ContentLength <= mostKept) || !x.affords(0) {
		return false, nil
	}
	x.exclude(a.lease.Endpoint())
	a.keep()
	x.history.Moved++
	if x.history.failure == nil {
		x.history.failure = x.blame(fault.New(fault.BadAnswer, errPassedOver))
	}
	x.current = new(attempt)
	x.current.initialise(x)
	if err := x.elsewhereAfter(after, pushed); err != nil {
		return false, err
	}
	a.target.Metrics.Repeated(whyPassedOver(pushed))
	return true, nil
}

// other says whether there is an endpoint to move to: a try that cannot be made is not worth an answer, a pause or a
// part of the budget.
func (x *exchange) other() bool {
	here := x.current.lease.Endpoint()
	return slices.ContainsFunc(x.upstream.Pool.Snapshot().Endpoints, func(s balancer.EndpointState) bool {
		return s.Eligible && s.Endpoint != here && !slices.Contains(x.request.Exclude, s.Endpoint)
	})
}

func whyPassedOver(pushed bool) metrics.RepeatReason {
	if pushed {
		return metrics.RepeatPushBack
	}
	return metrics.RepeatStatus
}

// elsewhereAfter gives the current attempt another endpoint, after one has answered. One that only asks to be
// left alone for a while says nothing of the others: they are asked at once. Where there is no
// other it is asked again after that while, if the client has so much patience.
func (x *exchange) elsewhereAfter(while time.Duration, pushed bool) error {
	if !pushed {
		if err := x.backOff(); err != nil {
			return err
		}
		return x.elsewhere()
	}
	err := x.elsewhere()
	if err != errNoOther {
		return err
	}
	spread := x.upstream.Retry.Pause(x.history.Moved, rand.Float64()) + time.Duration(rand.Float64()*float64(while/8))
	while += spread // or all who were told the same would come back together
	if left := x.patience(); while > left {
		return err
	}
	if err := x.pause(while); err != nil {
		return err
	}
	x.request.Exclude = nil
	return x.elsewhere()
}

// fallBack lets the client have the last answer that was passed over, if there is one and it is
// still wanted, instead of err. Such an answer says that the request was not done: it must not hide that
// another endpoint may have done since what is not to be done twice.
func (x *exchange) fallBack(err error) error {
	if x.cancel.Cause() != nil {
		return err
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Sent && !x.idempotent() {
		return err
	}
	for i := len(x.attempts) - 1; i >= 0; i-- {
		if a := x.attempts[i]; a.kept != nil {
			x.current = a
			x.lost = a.kept.lost + wire.Now() - a.answered
			return nil
		}
	}
	if err == errNoOther || err == errTooLate {
		err = x.history.failure
	}
	return x.orOut(err)
}

// orOut is err, or where no endpoint of the upstream has been well since before the request had
// its first one, that: the client had better come again later.
func (x *exchange) orOut(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	switch f.Kind {
	case fault.Connect, fault.ConnectTimeout, fault.Closed, fault.BadAnswer:
	default:
		return err
	}
	if !x.upstream.Pool.Out(wire.Now() - x.began) {
		return err
	}
	out := fault.New(fault.NoEndpoint, f).Retry(outRetryAfter)
	out.Sent = f.Sent
	return out
}

// outRetryAfter is when to come again after an outage, of which nobody knows how long it lasts.
const outRetryAfter = time.Second

// keep takes the answer off its connection and ends the attempt.
func (a *attempt) keep() {
	x := a.x
	k := &kept{lost: x.lost}
	head := bytes.Clone(a.up.Bytes()[:a.headSize])
	k.open = a.begin(x.reply.headOnly)
	failure := a.readKept(k)
	class := balancer.Answered
	if failure != nil && failure.Kind == fault.Truncated {
		class = balancer.Truncated
	}
	a.end(a.outcome(class))
	x.lost += wire.Now() - a.begun
	if failure == nil && a.answer.Parse(head) == nil {
		a.kept = k
	}
}

// readKept reads the body of an answer that is to be kept; it fails if that is more than a little.
func (a *attempt) readKept(k *kept) *fault.Error {
	for until := wire.Within(keepWithin); ; {
		piece, err := a.body.Next(until)
		switch {
		case err == nil && len(k.body)+len(piece) <= mostKept && a.x.keeps(a.x.kept+int64(len(piece))):
			a.x.kept += int64(len(piece))
			a.target.Metrics.AddBytes(metrics.FromUpstream, len(piece))
			k.body = append(k.body, piece...)
		case err == nil:
			return fault.New(fault.BadAnswer, errPassedOver)
		case errors.Is(err, io.EOF):
			a.whole = true
			k.trailer = bytes.Clone(a.body.Trailer())
			return nil
		default:
			return fault.As(err)
		}
	}
}

// nextKept is the next piece of a kept answer; nil at its end.
func (a *attempt) nextKept() (piece []byte) {
	piece = a.kept.body[:min(len(a.kept.body), inlineBytes)]
	a.kept.body = a.kept.body[len(piece):]
	return piece
}

// pushBack says whether the endpoint has answered that it cannot take the request now, and for how long it wants
// to be left alone; 0 where it did not say.
func (a *attempt) pushBack() (while time.Duration, pushed bool) {
	status := a.answer.Status
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0, false
	}
	while, said := retryAfter(a.answer.Get("retry-after"))
	return while, said || status == http.StatusTooManyRequests
}

// The pause of an endpoint that asks for one without saying how long, and the least.
const usualPause, leastPause = time.Second, 100 * time.Millisecond

// asksForPause says for how long the endpoint is to be left alone by its answer; 0 for not at all.
func (a *attempt) asksForPause() time.Duration {
	if _, pushed := a.pushBack(); !pushed {
		return 0
	}
	while, said := retryAfter(a.answer.Get("retry-after"))
	if !said {
		return usualPause
	}
	return max(while, leastPause)
}

// retryAfter reads a Retry-After field: seconds, or a date. A number that fits nowhere is as long as can be; what is
// neither says nothing.
func retryAfter(field []byte) (while time.Duration, said bool) {
	const most = 24 * time.Hour
	if len(field) == 0 {
		return 0, false
	}
	if n, err := strconv.ParseUint(string(field), 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(n, uint64(most/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(string(field))
	if err != nil {
		return 0, false
	}
	return min(max(time.Until(at), 0), most), true
}
