// For how long an endpoint is out: longer each time, and less again as it stays well.

package outlier

import (
	"math/rand/v2"
	"time"
)

// jitter is the part of an ejection's time that is random, so that endpoints ejected together
// do not come back together.
const jitter = 0.2

// ladder is how often an endpoint was ejected lately, and what that makes of the next time.
type ladder struct {
	repeats int       // ejections that are not forgotten yet
	until   time.Time // the end of the last one
	well    time.Time // since when it is well; one repeat is forgotten when it has been for as long as that repeat lasted
}

// lasts is how long the ejection number repeats lasts, without the random part.
func (l *ladder) lasts(o *Options) time.Duration {
	d := o.EjectTime
	for range l.repeats - 1 {
		if d >= o.MaxEjectTime/2 {
			return o.MaxEjectTime
		}
		d *= 2
	}
	return min(d, o.MaxEjectTime)
}

// climb begins another ejection and returns how long it lasts.
func (l *ladder) climb(o *Options, now time.Time) time.Duration {
	l.repeats++
	d := l.lasts(o)
	d += time.Duration(jitter * (rand.Float64() - 0.5) * float64(d))
	l.until = now.Add(d)
	l.well = l.until
	return d
}

// descend forgets repeats of an endpoint that has been well since the last ejection ended.
func (l *ladder) descend(o *Options, now time.Time) {
	for l.repeats > 0 {
		d := l.lasts(o)
		if now.Sub(l.well) < d {
			return
		}
		l.well = l.well.Add(d)
		l.repeats--
	}
}
