// When a request is also sent to a second endpoint.

package retry

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Hedge says when a request is sent to a second endpoint beside the first, which has not answered. The
// zero Hedge never is.
type Hedge struct {
	After  time.Duration // the first was sent it; 0: by Delays
	Delays *Delays       // nil: by After
	Ratio  float64       // hedges, as a part of the requests, by Budget
	Budget *Budget
}

// On reports whether there are hedges at all.
func (h *Hedge) On() bool { return h.After > 0 || h.Delays != nil }

// Delay is how long the first endpoint has time; 0 while not known.
func (h *Hedge) Delay() time.Duration {
	if h.Delays != nil {
		return h.Delays.P95()
	}
	return h.After
}

// Delays learns within what time 95 % of the answers begin, from the last thousand or two. All methods
// may be called from any goroutine; none takes a lock.
type Delays struct {
	halves atomic.Pointer[[2]*delays] // the present one and the one before; replaced by See
	p95    atomic.Int64               // written by See
}

// delays counts by size: eight classes for each power of two of nanoseconds.
type delays struct {
	counts [48 * 8]atomic.Uint32
	n      atomic.Uint32
}

const (
	// half is how many delays are counted before the oldest are forgotten.
	half = 1000
	// step is after how many the quantile is worked out anew.
	step = 50
)

// See notes how long an answer took to begin.
func (d *Delays) See(took time.Duration) {
	halves := d.halves.Load()
	if halves == nil {
		d.halves.CompareAndSwap(nil, &[2]*delays{new(delays), new(delays)})
		halves = d.halves.Load()
	}
	now := halves[0]
	now.counts[classOf(took)].Add(1)
	switch n := now.n.Add(1); {
	case n == half:
		d.halves.Store(&[2]*delays{new(delays), now})
		fallthrough
	case n%step == 0:
		d.p95.Store(int64(quantile(halves, 0.95)))
	}
}

// P95 is the delay that one of twenty exceeds; 0 while too few are known.
func (d *Delays) P95() time.Duration { return time.Duration(d.p95.Load()) }

func classOf(took time.Duration) int {
	n := uint64(max(took, 8))
	top := bits.Len64(n) - 1
	return min(top*8+int(n>>(top-3)&7), 48*8-1)
}

// most is the greatest delay of a class.
func most(class int) time.Duration {
	top, eighths := class/8, class%8
	return time.Duration(uint64(8+eighths+1) << top >> 3)
}

func quantile(halves *[2]*delays, part float64) time.Duration {
	total := halves[0].n.Load() + halves[1].n.Load()
	left := uint32(part * float64(total))
	for class := range halves[0].counts {
		n := halves[0].counts[class].Load() + halves[1].counts[class].Load()
		if n > left {
			return most(class)
		}
		left -= n
	}
	return most(len(halves[0].counts) - 1)
}
