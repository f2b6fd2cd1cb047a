// Requests that others have at a server.

package load

import (
	"math"
	"time"
)

// leastForeign is the number of requests below which a difference is chance: the engine counts
// by iteration, and we from the pick to the last byte.
const leastForeign = 1

// foreign smooths the difference between the engine's count of requests and ours. Both move while
// they are compared, so one comparison says little; a difference that is there for long is others'.
type foreign struct {
	more    float64 // requests that the engine has and we do not know; below zero: the other way round
	waiting float64 // of the engine's, as they were lately
	all     float64 // likewise
}

// learn takes one comparison in, after the time since the last one.
func (f *foreign) learn(r *Reading, ours float64, since, memory time.Duration) {
	n := r.requests()
	if !n.Known() {
		*f = foreign{}
		return
	}
	part := 1 - math.Exp(-since.Seconds()/memory.Seconds())
	f.more += part * (float64(n) - ours - f.more)
	f.waiting += part * (float64(max(r.Waiting, 0)) - f.waiting)
	f.all += part * (float64(n) - f.all)
}

// requests are those of others: of them so many wait as of all.
func (f *foreign) requests() (waiting, running float64) {
	if f.more < leastForeign || f.all <= 0 {
		return 0, 0
	}
	waiting = f.more * min(f.waiting/f.all, 1)
	return waiting, f.more - waiting
}
