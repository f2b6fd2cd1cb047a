// The decision: take a free slot, mask some, or wait for a better one.

package dispatch

import (
	"math"
	"time"
)

// Action is what a request does, for which a slot is free.
type Action uint8

const (
	Take Action = iota // any slot that is free
	Mask               // one that is free, but only of a seat that is stale: the others are masked
	Wait               // for a better slot
)

// Request is who asks.
type Request struct {
	Size    float64       // counts only where sizes are trusted
	Trusted bool          // whether they are
	Long    bool          // it leaves the last free slot to short ones
	New     bool          // it has just come: it may try a seat that is stale
	Ahead   int           // who will be served before it
	Arrived time.Duration // by the clock of now
	Longest time.Duration // how long it may be held back at most
}

// Fleet is what the request might have.
type Fleet struct {
	Waiting   int    // how many wait
	Slots     int64  // of all seats; 0 where some have no limit
	FreeSlots int64  // of them, that the request may have; any number above 1 stands for more
	Seats     []Seat // empty where there is nothing to compare
}

// Seat is one endpoint.
type Seat struct {
	Free    bool          // it has a slot free that the request may have
	Awaited bool          // it has none free, and the request may have the next one
	Stale   bool          // what is known of it is old
	Slots   int64         // 1 or more where it is awaited
	Seconds float64       // that the usual request takes there; 0: not known
	Silent  time.Duration // since a request began or ended there
}

// Decide returns what the request does now; and if it waits, when it is to be asked about
// again at the latest. One that does not wait with nobody ahead of it never does.
func (t *Tuning) Decide(r *Request, f *Fleet, now time.Duration) (a Action, until time.Duration) {
	until = r.Arrived + r.Longest + 1
	if !t.keepsLast(r, f) {
		patience := t.patience(r, f.Seats)
		if patience == 0 {
			return Take, 0
		}
		if r.New && anyStale(f.Seats) {
			return Mask, 0
		}
		until = min(until, r.Arrived+patience)
	}
	if now >= until {
		return Take, 0
	}
	return Wait, until
}

// keepsLast reports whether it is a long one, which leaves the last free slot to others.
func (t *Tuning) keepsLast(r *Request, f *Fleet) bool {
	return r.Long && f.FreeSlots == 1 && f.Slots >= t.FewestSlots && f.Waiting <= t.MostHeldBack
}

// patience returns for how long a request had better wait for a faster slot than any that is
// free; 0 where one that is free will do.
func (t *Tuning) patience(r *Request, seats []Seat) time.Duration {
	if r.Ahead >= t.MostPatient {
		return 0
	}
	here, there := math.Inf(1), math.Inf(1) // seconds of the usual request, where it is fastest
	for i := range seats {
		switch s := &seats[i]; {
		case s.Free:
			here = min(here, s.Seconds)
		case s.Awaited && s.Seconds > 0:
			there = min(there, s.Seconds)
		}
	}
	if math.IsInf(here, 1) || t.MuchFaster*there >= here {
		return 0
	}
	released := 0.0 // slots a second
	for i := range seats {
		if s := &seats[i]; s.Awaited && s.Seconds > 0 && s.Seconds < here {
			released += t.released(s)
		}
	}
	size := 1.0
	if r.Trusted {
		size = r.Size
	}
	if wait := float64(r.Ahead+1) / released; t.MuchFaster*(wait+size*there) >= size*here {
		return 0
	}
	return time.Duration(min(t.Stake*size*(here-there), t.MaxPatience) * float64(time.Second))
}

// released returns how many requests a second are expected to end at a seat whose slots are
// all in use: fewer and fewer, if it hangs or has nothing but long requests.
func (t *Tuning) released(s *Seat) float64 {
	return 1 / max(s.Seconds/float64(s.Slots), s.Silent.Seconds()/t.Overdue)
}

// anyStale reports whether a slot is free that was not tried for so long that it may be fast
// by now. One that comes tries it, where those who wait had rather not.
func anyStale(seats []Seat) bool {
	for i := range seats {
		if seats[i].Free && seats[i].Stale {
			return true
		}
	}
	return false
}
