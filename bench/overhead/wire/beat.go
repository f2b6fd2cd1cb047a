// Work that falls due at even intervals.

package wire

import "time"

// Beat calls something at evenly spaced intended instants, however late the loop gets to them: work that falls due
// while the loop is busy is done late and timed from when it was due (no coordinated omission).
type Beat struct {
	Gap time.Duration // between two strikes; > 0
	Do  func(due int64)
	// Late is how long after its due time each strike came, in nanoseconds; kept while it has capacity left.
	Late []int64

	next int64
}

func (b *Beat) begin(now int64) {
	if b != nil {
		b.next = now
	}
}

// strike does what is due by now (but nothing due at end or later) and says when the next is.
func (b *Beat) strike(now, end int64) (next int64, ok bool) {
	if b == nil {
		return 0, false
	}
	for b.next <= now && b.next < end {
		due := b.next
		b.next += int64(b.Gap)
		if len(b.Late) < cap(b.Late) {
			b.Late = append(b.Late, now-due)
		}
		b.Do(due)
	}
	return b.next, true
}
