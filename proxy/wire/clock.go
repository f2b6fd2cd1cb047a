package wire

import "time"

var start = time.Now()

// Now is the monotonic time since the process started. It is what every moment
// on the data path is expressed in: half the cost of time.Now, and immune to
// steps of the wall clock. Zero means "never" wherever a moment limits a wait.
func Now() time.Duration { return time.Since(start) }

// At is the wall-clock time of the moment m, for logs and socket deadlines.
func At(m time.Duration) time.Time { return start.Add(m) }

// Within is the moment d from now, or never (0) when d is 0.
func Within(d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	return Now() + d
}
