// Quantiles of durations from counts in buckets that grow by a tenth.

package history

import (
	"math"
	"time"
)

// Buckets reach from a millisecond to an hour; what is beyond counts in the last one.
const (
	growth  = 1.1
	least   = time.Millisecond
	buckets = 160
)

var logGrowth = math.Log(growth)

// sketch counts durations. A quantile is off by 5 % at most.
type sketch struct {
	counts [buckets]uint32
	total  uint64
}

// add counts a duration by its bucket.
func (s *sketch) add(bucket int) {
	if bucket >= 0 {
		s.counts[bucket]++
		s.total++
	}
}

// bucketOf is where a duration counts; negative: nowhere, as it was not measured.
func bucketOf(d time.Duration) int {
	switch {
	case d <= 0:
		return -1
	case d <= least:
		return 0
	}
	return min(int(math.Ceil(math.Log(float64(d)/float64(least))/logGrowth)), buckets-1)
}

func (s *sketch) merge(o *sketch) {
	if o.total == 0 {
		return
	}
	for i, n := range o.counts {
		s.counts[i] += n
	}
	s.total += o.total
}

// quantile is in seconds; NaN where nothing was counted.
func (s *sketch) quantile(q float64) float64 {
	if s.total == 0 {
		return math.NaN()
	}
	rank, seen := uint64(math.Ceil(q*float64(s.total))), uint64(0)
	for i, n := range s.counts {
		if seen += uint64(n); seen >= rank && n > 0 {
			return least.Seconds() * math.Pow(growth, float64(i)-0.5)
		}
	}
	return least.Seconds() * math.Pow(growth, buckets-1)
}
