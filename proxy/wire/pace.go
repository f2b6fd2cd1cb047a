package wire

import (
	"math"
	"time"
)

// unlimited is a wait without an end.
const unlimited = time.Duration(math.MaxInt64)

// Pace is a least speed, measured over the time for which a peer makes us wait and
// no other: whoever has nothing to send or to take is not slow. Each wait uses up
// what the peer has saved, each byte earns 1/Rate seconds, and no more than Window
// can be saved. The zero value asks for nothing.
type Pace struct {
	Rate   int64         // bytes/s; 0: any speed will do
	Window time.Duration // how far a peer may fall behind
	saved  time.Duration // for how long the peer may still make us wait
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

// Waited says that n bytes were what a wait of d has brought.
func (p *Pace) Waited(d time.Duration, n int) {
	if p.Rate == 0 {
		return
	}
	earned := time.Duration(float64(n) / float64(p.Rate) * float64(time.Second))
	p.saved = min(p.saved-d+earned, p.Window)
}

// Over says whether the peer was too slow.
func (p *Pace) Over() bool { return p.Rate != 0 && p.saved <= 0 }

// Until is the moment up to which a peer may be waited for that has until the
// moment limit in any case; 0 is never, in both.
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
