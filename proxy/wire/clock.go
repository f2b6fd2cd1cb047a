// Moments on the data path, by the monotonic clock.

package wire

import (
	"sync/atomic"
	"time"
)

var start = time.Now()

// Now is the monotonic time since the process started. It is what every moment
// on the data path is expressed in: half the cost of time.Now, and immune to
// steps of the wall clock. Zero means "never" wherever a moment limits a wait.
func Now() time.Duration { return time.Since(start) }

// wall is the wall clock, which may be stepped; tests replace it.
var wall = time.Now

// stepped is how far the wall clock was stepped since the start, as seen at a moment. It is looked at each lookWall only:
// that costs more than all else of a record.
var stepped struct{ by, at atomic.Int64 }

const lookWall = 100 * time.Millisecond

// At is the moment m by the wall clock as it is set now, or was a tenth of a second before, for logs. How far that clock
// was stepped since the start is rounded to milliseconds, so that one moment always gives the same time.
func At(m, now time.Duration) time.Time {
	if at := time.Duration(stepped.at.Load()); at == 0 || now-at >= lookWall {
		moved := wall().Round(0).Sub(start.Round(0)) - Now() // Round(0): by the wall alone
		stepped.by.Store(int64(moved.Round(time.Millisecond)))
		stepped.at.Store(int64(now)) // after by: who sees it sees that
	}
	return start.Add(m + time.Duration(stepped.by.Load()))
}

// Within is the moment d from now, or never (0) when d is 0.
func Within(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	return Now() + d
}

// After is the moment d after m, or never (0) when d is 0.
func After(m, d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	return m + d
}
