// Virtual time, for policies that measure.

package sim

import (
	"math"
	"time"
)

// Clock is the virtual time of a run, for policies that measure: give the policy Now, and
// the same Clock to Options. Only Run, one at a time, writes to it.
type Clock struct{ now time.Duration }

// Now returns the time since the trace began.
func (c *Clock) Now() time.Duration { return c.now }

const second = float64(time.Second)

func (c *Clock) set(seconds float64) { c.now = time.Duration(math.Round(seconds * second)) }
