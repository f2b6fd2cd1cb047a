// Package again says when something that has failed is tried again. The pause doubles with each failure in a row, and chance
// moves it, so that many who have failed at once do not come back at once.
//
//	until = now.Add(again.After(fails, time.Second, time.Minute))
package again

import (
	"math/rand/v2"
	"time"
)

// After is the pause after a failure, with so many in a row before it: from half of least to least doubled as often, and never
// above most.
func After(before int, least, most time.Duration) time.Duration {
	longest := least
	for ; before > 0 && longest < most; before-- {
		longest *= 2
	}
	return least/2 + rand.N(min(longest, most)-least/2)
}
