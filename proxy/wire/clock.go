package wire

import "time"

var start = time.Now()

// Now is the monotonic time since the process started. It is what every moment
// on the data path is expressed in: half the cost of time.Now, and immune to
// steps of the wall clock. Zero means "never" wherever a moment limits a wait.
func Now() time.Duration { return time.Since(start) }

// wall is the clock on the wall, which may be stepped; a test has one of its own.
var wall = time.Now

// At is when the moment m was or will be by the clock on the wall as it is set now,
// for logs. Of how far that was moved since the start, whole milliseconds count, so
// that one moment is shown as one time.
func At(m time.Duration) time.Time {
	moved := wall().Round(0).Sub(start.Round(0)) - Now() // Round(0): by the wall alone
	return start.Add(m + moved.Round(time.Millisecond))
}

// Within is the moment d from now, or never (0) when d is 0.
func Within(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	return Now() + d
}
