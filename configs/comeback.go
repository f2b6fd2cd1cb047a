// Validation of how endpoints come back.

package configs

import "time"

func (r *report) validateSlowStart(p path, d time.Duration) {
	if d != 0 {
		between(r, p, d, leastDuration, time.Hour, "give 0s to use the whole capacity at once")
	}
}
