// The least speed of a peer that makes us wait.

package wire

import (
	"math"
	"time"
)

// unlimited is a wait without an end.
const unlimited = time.Duration(math.MaxInt64)

// Pace is a least speed. Only the time for which the peer makes us wait counts: a peer
// that has nothing to send or to take is not slow. Each wait uses up what the peer has
// saved, each byte earns 1/Rate seconds, and at most Window can be saved. The zero
// value asks for nothing.
type Pace struct {
	Rate   int64         // bytes/s; 0: any speed will do
	Window time.Duration // how far a peer may fall behind
	saved  time.Duration // how long the peer may still make us wait
}

// Begin starts anew, with all of the window saved.
func (p *Pace) Begin(rate int64, window time.Duration) {
	p.Rate, p.Window, p.saved = rate, window, window
}

// Narrow makes the window smaller from now on.
func (p *Pace) Narrow(window time.Duration) {
	p.Window = min(p.Window, window)
	p.saved = min(p.saved, window)
}

// Waited records a wait of d that brought n bytes.
func (p *Pace) Waited(d time.Duration, n int) {
	if p.Rate == 0 {
		return
	}
	earned := time.Duration(float64(n) / float64(p.Rate) * float64(time.Second))
	p.saved = min(p.saved-d+earned, p.Window)
}

// Over says whether the peer was too slow.
func (p *Pace) Over() bool { return p.Rate != 0 && p.saved <= 0 }

// Until is the moment at which a wait for the peer must end: limit, or earlier if the
// peer has saved less. 0 means never, in both.
func (p *Pace) Until(now, limit time.Duration) time.Duration {
	if p.Rate == 0 {
		return limit
	}
	if by := now + max(p.saved, 1); limit == 0 || by < limit {
		return by
	}
	return limit
}

func (p *Pace) limit() time.Duration {
	if p.Rate == 0 {
		return unlimited
	}
	return p.saved
}
