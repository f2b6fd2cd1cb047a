// Times, counted in buckets: one atomic addition each.

package outlier

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets are an eighth of an octave wide, from a microsecond to some hours: a time is known to
// about a tenth, which is much finer than what is judged by it.
const (
	lowestBits = 10 // 2^10 ns
	octaves    = 34
	eighths    = 8
	buckets    = octaves * eighths
)

// times counts durations.
type times [buckets]atomic.Uint32

// bucketOf is the bucket of a time.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, 1<<lowestBits))
	exponent := bits.Len64(n) - 1
	return min((exponent-lowestBits)*eighths+int(n>>(exponent-3)&7), buckets-1)
}

// logs has the natural logarithm of the middle of each bucket, in seconds.
var logs = func() (logs [buckets]float64) {
	for i := range logs {
		low := math.Ldexp(1+float64(i%eighths)/eighths, lowestBits+i/eighths)
		high := math.Ldexp(1+float64(i%eighths+1)/eighths, lowestBits+i/eighths)
		logs[i] = math.Log((low + high) / 2 / 1e9)
	}
	return logs
}()

// perWork is the time that an attempt took for each unit of its predicted work.
func (a *Attempt) perWork() time.Duration {
	if !(a.Size > 0) {
		return a.Took
	}
	const most = float64(math.MaxInt64 / 2)
	return time.Duration(min(float64(a.Took)/a.Size, most))
}

// moments is the number, the sum and the sum of squares of logarithms of times.
type moments struct{ n, sum, squares float64 }

func (m *moments) add(other moments) {
	m.n += other.n
	m.sum += other.sum
	m.squares += other.squares
}

// fade lets what was counted before weigh less.
func (m *moments) fade(by float64) {
	m.n *= by
	m.sum *= by
	m.squares *= by
}

func (m *moments) mean() float64 { return m.sum / m.n }

// scatter is the sum of the squared distances from the mean.
func (m *moments) scatter() float64 { return max(m.squares-m.sum*m.sum/m.n, 0) }

// take returns the moments of what was counted since seen, and brings seen up to now.
func (t *times) take(seen *[buckets]uint32) (m moments) {
	for i := range t {
		now := t[i].Load()
		if n := float64(now - seen[i]); n > 0 {
			m.add(moments{n, n * logs[i], n * logs[i] * logs[i]})
			seen[i] = now
		}
	}
	return m
}

// memory is a histogram of the times of the last while: what is older weighs less.
type memory struct {
	weights [buckets]float64
	total   float64
}

// recall is how long ago a time was that weighs a third of a new one.
const recall = 10 * time.Minute

// take fades what is there by a tick, and adds what was counted since seen. It reports whether
// there was anything.
func (m *memory) take(t *times, seen *[buckets]uint32) (any bool) {
	const fade = 1 - float64(tickEvery)/float64(recall)
	m.total *= fade
	for i := range t {
		now := t[i].Load()
		n := float64(now - seen[i])
		m.weights[i] = m.weights[i]*fade + n
		m.total += n
		any = any || n > 0
		seen[i] = now
	}
	return any
}

// add adds another memory.
func (m *memory) add(other *memory) {
	m.total += other.total
	for i, w := range other.weights {
		m.weights[i] += w
	}
}

// quantile is the time that the part q of all are not longer than; 0 of none.
func (m *memory) quantile(q float64) time.Duration {
	left := q * m.total
	for i, w := range m.weights {
		if left -= w; left <= 0 && w > 0 {
			return time.Duration(math.Exp(logs[i]) * 1e9)
		}
	}
	return 0
}

// longest is the longest time that is not forgotten; 0 of none.
func (m *memory) longest() time.Duration {
	const forgotten = 1e-4 // after an hour and a half
	for i := buckets - 1; i >= 0; i-- {
		if m.weights[i] > forgotten {
			return time.Duration(math.Exp(logs[i]) * 1e9)
		}
	}
	return 0
}
