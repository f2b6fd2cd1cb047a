// How many requests an endpoint had when each of its requests began.

package advice

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// span is one request while its endpoint had it.
type span struct {
	begun, ended int64   // nanoseconds since 1970: there are many of them to sort
	size         float64 // predicted work; 1 where it is not known
}

// longestFade is what is left of the longest request, each time that one looks: a minute or more.
const longestFade = 0.99

// mostSpans wait for those that began before them to end, at most.
const mostSpans = 20_000

// flight puts requests, of which one hears when they end, into the order in which they began.
type flight struct {
	waiting []span
	active  []int64 // ends of those that began before until, and had not ended then; sorted
	until   int64   // everything that began before it has been told; 0: nothing has
	longest int64   // request of late, in nanoseconds: whoever began earlier has ended by now
}

// seen is what there was when a request began.
type seen struct {
	span
	inFlight int // with it
}

func (f *flight) add(s span) {
	if s.begun < f.until {
		f.activate(s.ended) // longer than all others, and late: the others have been told already
		return
	}
	f.longest = max(f.longest, s.ended-s.begun)
	f.waiting = append(f.waiting, s)
}

// crowded says that settle should be called.
func (f *flight) crowded() bool { return len(f.waiting) >= mostSpans }

// settle tells of the requests that began so early that nobody before them can be under way any more. busy hears for how long there
// were at least so many in flight.
func (f *flight) settle(now int64, least int, each func(seen), busy func(time.Duration)) {
	until := now - f.longest
	slices.SortFunc(f.waiting, func(a, b span) int { return cmp.Compare(a.begun, b.begun) })
	if f.crowded() {
		until = max(until, f.waiting[len(f.waiting)/2].begun)
	}
	if until <= f.until {
		return
	}
	last, done := f.until, 0
	pass := func(to int64) { // from one event to the next
		if len(f.active) >= least && last != 0 {
			busy(time.Duration(to - last))
		}
		last = to
	}
	end := func(to int64) { // all that end by then
		for len(f.active) > 0 && f.active[0] <= to {
			pass(f.active[0])
			f.active = f.active[1:]
		}
	}
	for done < len(f.waiting) && f.waiting[done].begun < until {
		s := f.waiting[done]
		end(s.begun)
		pass(s.begun)
		f.activate(s.ended)
		each(seen{s, len(f.active)})
		done++
	}
	end(until)
	pass(until)
	f.active = slices.Clone(f.active) // what was cut off in front is given back
	f.waiting = slices.Delete(f.waiting, 0, done)
	f.until, f.longest = until, int64(float64(f.longest)*longestFade)
}

func (f *flight) activate(ended int64) {
	if ended <= f.until {
		return
	}
	at, _ := slices.BinarySearch(f.active, ended)
	f.active = slices.Insert(f.active, at, ended)
}

// Levels are numbers of requests in flight: 1, 2, 3, 4, 6, 8, 12, 16 and so on, two to each doubling.
const levelCount = 20

// levelOf is the highest level that n reaches.
func levelOf(n int) int {
	level := 0
	for level+1 < levelCount && slotsOf(level+1) <= n {
		level++
	}
	return level
}

func slotsOf(level int) int {
	if level == 0 {
		return 1
	}
	n := 1 << ((level + 1) / 2)
	if level%2 == 0 {
		return n + n/2
	}
	return n
}

// level is what was seen of requests that began with so many in flight.
type level struct {
	service, size, inFlight, requests float64
}

func (l *level) add(s *seen) {
	l.service += time.Duration(s.ended - s.begun).Seconds()
	l.size += s.size
	l.inFlight += float64(s.inFlight)
	l.requests++
}

func (l *level) fade(kept float64) {
	l.service, l.size, l.inFlight, l.requests = l.service*kept, l.size*kept, l.inFlight*kept, l.requests*kept
}

// perWork is the seconds that a unit of work took, as a logarithm.
func (l *level) perWork() float64 { return math.Log(l.service / l.size) }
