// How long another try takes to begin, and whether it may.

package proxy

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// affords says whether there may be one more try, after a pause: by the time that is left, and by the
// budget, which it then takes from.
func (x *exchange) affords(pause time.Duration) bool {
	return x.timeLeft(wire.Now()) > pause && x.pays()
}

// pays takes one more try from the budget, if there is one in it.
func (x *exchange) pays() bool {
	u, now := x.upstream, wire.Now()
	if !u.Budget.Take(now, u.Retry.Ratio, u.underWay()) {
		u.Metrics.RetryRefused()
		if u.BudgetSpent != nil && u.Budget.FirstRefusal(now) {
			u.BudgetSpent(u.Budget.Counts(now))
		}
		return false
	}
	return true
}

// timeLeft is how long after now another try may begin.
func (x *exchange) timeLeft(now time.Duration) time.Duration {
	left := longestTime
	if within := x.upstream.Retry.Within; within > 0 {
		left = x.began + within - now
	}
	if total := x.upstream.Total; total > 0 {
		left = min(left, x.arrived+total-now)
	}
	return left
}

const longestTime = time.Duration(1<<63 - 1)

// patience is how long the client can be made to wait for an endpoint that asks to be left alone.
func (x *exchange) patience() time.Duration {
	left := x.timeLeft(wire.Now())
	if x.upstream.Total == 0 {
		left = min(left, longestPause)
	}
	return left
}

// underWay is how many requests the upstream's endpoints work on.
func (u *Upstream) underWay() (n int64) {
	for _, s := range u.Pool.Snapshot().Endpoints {
		n += s.Endpoint.Load().InFlight()
	}
	return n
}

// errTooLate says that the time for retries is over before the next one could begin.
var errTooLate = errors.New("the time for another try is over")

// backOff waits before the next try, for longer after each.
func (x *exchange) backOff() error {
	d := x.upstream.Retry.Pause(x.history.Moved, rand.Float64())
	if d >= x.timeLeft(wire.Now()) {
		return errTooLate
	}
	return x.pause(d)
}

// pause waits, unless the exchange is cancelled: then it returns why.
func (x *exchange) pause(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	a, woken := x.current, make(bell, 1)
	if err := a.cancel.Bind(woken); err != nil {
		return err
	}
	begin := wire.Now()
	timer := time.NewTimer(d)
	select {
	case <-timer.C:
	case <-woken:
		timer.Stop()
	}
	x.lost += wire.Now() - begin
	return a.cancel.Unbind()
}

// bell is a wait that a Cancel can end.
type bell chan struct{}

func (b bell) Poke() {
	select {
	case b <- struct{}{}:
	default:
	}
}
