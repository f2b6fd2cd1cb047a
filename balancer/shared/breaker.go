// When to ask those who did not answer again.

package shared

import "time"

const (
	failuresInRow = 5
	leastPause    = time.Second
	mostPause     = 30 * time.Second
)

// Breaker leaves those alone who have failed five times in a row: for a second, and twice as long each time they fail again.
type Breaker struct {
	fails int           // in a row
	pause time.Duration // the last; 0: it is closed
	until time.Time
}

// Allows says whether they may be asked now.
func (b *Breaker) Allows(now time.Time) bool { return b.pause == 0 || !now.Before(b.until) }

// Open says whether they are taken for away.
func (b *Breaker) Open() bool { return b.pause > 0 }

// Settle notes how a call ended.
func (b *Breaker) Settle(failed bool, now time.Time) {
	if !failed {
		*b = Breaker{}
		return
	}
	if b.fails++; b.fails < failuresInRow {
		return
	}
	b.pause = min(max(2*b.pause, leastPause), mostPause)
	b.until = now.Add(b.pause)
}
