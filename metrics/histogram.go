// Histograms of durations, without a lock.

package metrics

import (
	"math/bits"
	"strconv"
	"sync/atomic"
	"time"
)

// Bucket bounds. Response time and time to first byte range from a cached
// error to a long generation. Overhead is finest at the values of a healthy
// gateway; its tail shows a stalled client, a disk full of logs or the
// garbage collector.
var (
	responseBounds = newBounds(
		1*time.Millisecond, 2500*time.Microsecond, 5*time.Millisecond,
		10*time.Millisecond, 25*time.Millisecond, 50*time.Millisecond,
		100*time.Millisecond, 250*time.Millisecond, 500*time.Millisecond,
		1*time.Second, 2500*time.Millisecond, 5*time.Second,
		10*time.Second, 20*time.Second, 30*time.Second,
		time.Minute, 2*time.Minute, 5*time.Minute, 10*time.Minute)
	// endpointBounds are fewer: each costs one series for each of perhaps thousands of endpoints.
	endpointBounds = newBounds(
		5*time.Millisecond, 25*time.Millisecond, 100*time.Millisecond, 250*time.Millisecond, 500*time.Millisecond,
		1*time.Second, 2*time.Second, 5*time.Second, 10*time.Second, 30*time.Second, 2*time.Minute, 10*time.Minute)
	overheadBounds = newBounds(
		5*time.Microsecond, 10*time.Microsecond, 20*time.Microsecond,
		30*time.Microsecond, 50*time.Microsecond, 75*time.Microsecond,
		100*time.Microsecond, 150*time.Microsecond, 250*time.Microsecond,
		500*time.Microsecond, 1*time.Millisecond, 2500*time.Microsecond,
		5*time.Millisecond, 10*time.Millisecond, 25*time.Millisecond,
		50*time.Millisecond, 100*time.Millisecond)
)

// bounds are the upper bounds of a histogram's buckets, each inclusive as in
// Prometheus' `le`, with an index that makes the search short. Immutable.
type bounds struct {
	upper []uint64 // nanoseconds, ascending
	text  []string // of each bound and of +Inf, in seconds
	// seconds are the bounds once more, for those who reckon with them.
	seconds []float64
	// first[n] is the first bucket that can hold a value of n significant bits.
	// Bounds at least double every second step, so at most three comparisons
	// follow.
	first [65]uint8
}

func newBounds(upper ...time.Duration) *bounds {
	b := &bounds{upper: make([]uint64, len(upper))}
	for i, d := range upper {
		b.upper[i] = uint64(d)
		b.text = append(b.text, strconv.FormatFloat(float64(d)/1e9, 'g', -1, 64))
		b.seconds = append(b.seconds, float64(d)/1e9)
	}
	b.text = append(b.text, "+Inf")
	for n := 1; n < len(b.first); n++ {
		least := uint64(1) << (n - 1)
		i := 0
		for i < len(b.upper) && b.upper[i] < least {
			i++
		}
		b.first[n] = uint8(i)
	}
	return b
}

// bucket returns the index of the bucket that holds a value of nanos
// nanoseconds; len(upper) is the bucket without a bound.
func (b *bounds) bucket(nanos uint64) int {
	i := int(b.first[bits.Len64(nanos)])
	for i < len(b.upper) && b.upper[i] < nanos {
		i++
	}
	return i
}

// histogram counts durations in fixed buckets. Its observe takes two atomic
// additions and no lock. Safe for concurrent use.
type histogram struct {
	bounds *bounds
	counts []atomic.Uint64 // one per bucket and one beyond; written by observe

	// The sum of all durations is carry·2⁶⁴ + sum nanoseconds. One word is not
	// enough: ten thousand open streams fill it in three weeks. Written by
	// observe.
	sum, carry atomic.Uint64
}

func newHistogram(b *bounds) histogram {
	return histogram{bounds: b, counts: make([]atomic.Uint64, len(b.upper)+1)}
}

// observe counts one duration. Zero or less means that it was not measured,
// and is left out.
func (h *histogram) observe(d time.Duration) {
	if d <= 0 {
		return
	}
	nanos := uint64(d)
	h.counts[h.bounds.bucket(nanos)].Add(1)
	if h.sum.Add(nanos) < nanos {
		h.carry.Add(1) // the addition that wrapped, and only that one, sees a sum below its own part
	}
}

// add adds the counts of other.
func (h *histogram) add(other *histogram) {
	for i := range other.counts {
		h.counts[i].Add(other.counts[i].Load())
	}
	sum := other.sum.Load()
	if h.sum.Add(sum) < sum {
		h.carry.Add(1)
	}
	h.carry.Add(other.carry.Load())
}

// seconds is the sum of all durations.
func (h *histogram) seconds() float64 {
	return float64(h.carry.Load())*(1<<64)/1e9 + float64(h.sum.Load())/1e9
}
