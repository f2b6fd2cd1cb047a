// How much work is usual, and whether predictions of it come true.

package dispatch

import (
	"math"
	"time"
)

// Sizes is what is known of predicted work: how much is usual, and whether predictions come
// true. The size of a request is its predicted work in units of the usual one. It is not safe
// for use by several goroutines at once.
type Sizes struct {
	Usual Mean // predicted work
	Long  Mean // logarithms of how many times the usual those took that were predicted to be long
}

// Arrived takes in the predicted work of a request that comes for the first time.
func (s *Sizes) Arrived(work float64) {
	if !known(work) {
		return
	}
	if s.Usual.Seen >= Tuned.UsualKnown {
		work = min(work, Tuned.MostUsual*s.Usual.Value)
	}
	s.Usual.Learn(work, Tuned.UsualHorizon)
}

// Of returns the size of a request of this predicted work; 1 where that is not known.
func (s *Sizes) Of(work float64) float64 {
	if known(work) && s.Usual.Seen >= Tuned.UsualKnown {
		return min(work/s.Usual.Value, math.MaxFloat64)
	}
	return 1
}

// Ended takes in how long a request took that was predicted to be long, where usual seconds
// are usual.
func (s *Sizes) Ended(took time.Duration, usual float64) {
	s.Long.Learn(math.Log(took.Seconds()/usual), Tuned.LongHorizon)
}

// Trusted reports whether predictions have proved to say something.
func (s *Sizes) Trusted() bool {
	return s.Long.Seen >= Tuned.LongKnown && s.Long.Value >= logProof
}

// IsLong reports whether a request of this size leaves the last free slot to others.
func (s *Sizes) IsLong(size float64) bool { return size > Tuned.LongWork && s.Trusted() }

// logProof is what Sizes.Long is held against.
var logProof = math.Log(Tuned.LongProof)

func known(work float64) bool { return work > 0 && !math.IsInf(work, 1) }
