// How long a source that failed waits before it looks again.

package discovery

import (
	"context"
	"math/rand/v2"
	"time"
)

// The pauses double from the first to the longest, give or take a fifth, so that many gateways do not ask together.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
	jitterRatio  = 0.2
)

// Backoff counts the failures in a row of one source. The zero value has none.
type Backoff struct{ failures int }

// Next is the pause after one more failure.
func (b *Backoff) Next() time.Duration {
	pause := longestPause
	if b.failures < 5 {
		pause = min(firstPause<<b.failures, longestPause)
	}
	b.failures++
	return Jitter(pause)
}

// Reset says that all is well.
func (b *Backoff) Reset() { b.failures = 0 }

// Jitter is a pause, give or take a fifth.
func Jitter(pause time.Duration) time.Duration {
	return time.Duration(float64(pause) * (1 - jitterRatio + 2*jitterRatio*rand.Float64()))
}

// Sleep waits so long. It reports false as soon as ctx ends.
func Sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
