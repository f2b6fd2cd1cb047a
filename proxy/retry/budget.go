// How many retries there may be.

package retry

import (
	"sync/atomic"
	"time"
)

// Budget bounds the retries of an upstream to a part of its requests, so that an outage is not
// answered with a flood. All methods may be called from any goroutine; none takes a lock. A nil
// Budget counts nothing and allows everything.
//
// What counts are the last 10 s, or the requests that are under way where those are more: an
// inference may take minutes. A retry that fails counts five times, since where retries do not
// help they only add to the load: when everything is away, they come to less than a twentieth of the
// requests. But three in 10 s may be at any time.
type Budget struct {
	requests seconds
	retries  seconds
	failed   seconds      // of the retries
	quiet    atomic.Int64 // the moment until which FirstRefusal is false; written by it
}

const (
	// window is the seconds that count.
	window = 10
	// always is how many retries there may be in them, however few the requests were.
	always = 3
	// waste is what a retry costs beside itself if it fails.
	waste = 4
)

// Request counts a request that begins at this moment.
func (b *Budget) Request(now time.Duration) {
	if b != nil {
		b.requests.add(secondOf(now))
	}
}

// Take counts one retry, if there may be one more: if they are no more than this part of the
// requests. underWay is how many requests there are now.
func (b *Budget) Take(now time.Duration, ratio float64, underWay int64) bool {
	if b == nil {
		return true
	}
	second := secondOf(now)
	for word := &b.retries[second%ring]; ; {
		seen := word.Load()
		retries := b.retries.sum(second)
		cost := retries + waste*b.failed.sum(second) + 1
		if retries >= always && float64(cost) > ratio*float64(max(b.requests.sum(second), underWay)) {
			return false
		}
		if word.CompareAndSwap(seen, raised(seen, second)) { // so no other has been counted meanwhile
			return true
		}
	}
}

// Failed counts a retry that has failed.
func (b *Budget) Failed(now time.Duration) {
	if b != nil {
		b.failed.add(secondOf(now))
	}
}

// FirstRefusal reports whether no retry had been refused for the time of the window before this moment,
// at which one is.
func (b *Budget) FirstRefusal(now time.Duration) bool {
	return time.Duration(b.quiet.Swap(int64(now+window*time.Second))) <= now
}

// Counts are what the budget goes by at this moment.
func (b *Budget) Counts(now time.Duration) (requests, retries, failed int64) {
	second := secondOf(now)
	return b.requests.sum(second), b.retries.sum(second), b.failed.sum(second)
}

// ring is how many seconds are kept; more than count, so that one who comes late finds its own.
const ring = 16

// seconds counts something by the second. Each word has the second in its upper half, and how
// many there were in its lower half. Any goroutine writes them.
type seconds [ring]atomic.Uint64

// secondOf is the second of a moment; never 0, which is that of a word that was never used.
func secondOf(now time.Duration) uint32 { return uint32(now/time.Second) + 1 }

// raised is the word with one more in it, from 0 where it was another second's.
func raised(word uint64, second uint32) uint64 {
	if uint32(word>>32) == second {
		return word + 1
	}
	return uint64(second)<<32 | 1
}

func (s *seconds) add(second uint32) {
	for word := &s[second%ring]; ; {
		seen := word.Load()
		if uint32(seen>>32) > second { // a later one has the word already
			return
		}
		if word.CompareAndSwap(seen, raised(seen, second)) {
			return
		}
	}
}

// sum is how many there were in the window that ends with the second.
func (s *seconds) sum(second uint32) (n int64) {
	for back := range uint32(window) {
		if word := s[(second-back)%ring].Load(); uint32(word>>32) == second-back {
			n += int64(uint32(word))
		}
	}
	return n
}
