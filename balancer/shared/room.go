// Slots that are left to other gateways, at which requests starve.

package shared

import (
	"maps"
	"time"
)

// LongWait is how long requests wait at a server whose slots other gateways have, until they starve there. For as long a gateway
// keeps a server that it has just got, so that slots do not go to and fro.
const LongWait = 500 * time.Millisecond

// leastPatience is for how long a free slot is left to another gateway at least: it has to hear of it, and to tell that it has taken it.
const leastPatience = 250 * time.Millisecond

// Starved is that requests of another gateway starve at a server.
type Starved struct {
	By  string // the gateway's identity
	For time.Duration
}

// Room knows which slots are left to others. It is not safe for concurrent use.
//
// Requests of a gateway starve at a server where they have waited for LongWait, and it had no slot there and could have had none
// for as long. Who frees a slot leaves it to those who starve for longer than itself. Slots that are in use are never given twice for that.
type Room struct {
	id       string
	patience time.Duration
	spots    map[string]*spot // by the server's address
}

// spot is what a Room knows of a server.
type spot struct {
	had   time.Time            // when we last had a slot, or could have had one
	since time.Time            // since when we have had one without a break; zero: we have none
	left  map[string]time.Time // by gateway: since when a free slot is left to it
	vain  map[string]time.Time // by gateway: when it had let one lie for too long
}

// NewRoom returns the Room of the gateway with this identity, where gateways tell and hear so often.
func NewRoom(id string, quick time.Duration) *Room {
	return &Room{id: id, patience: max(leastPatience, 6*quick), spots: map[string]*spot{}}
}

// Starves is for how long requests of ours have starved, by the server's address.
func (r *Room) Starves(now time.Time, own *Own) map[string]time.Duration {
	starves := map[string]time.Duration{}
	for address := range own.Oldest {
		if age := r.age(now, address, own); age > 0 {
			starves[address] = age
		}
	}
	return starves
}

// age is for how long requests of ours have starved at a server; 0: they do not.
func (r *Room) age(now time.Time, address string, own *Own) time.Duration {
	s := r.spots[address]
	if s == nil || own.Load[address] > 0 {
		return 0
	}
	if age := min(own.Oldest[address], now.Sub(s.had)); age >= LongWait {
		return age
	}
	return 0
}

// Leave is how many slots are left to others, by the server's address, so that those which are free for us are what these and the sum
// leave. It is to be asked each time that the others are heard.
func (r *Room) Leave(now time.Time, sum *Sum, own *Own, slots map[string]int64, starving map[string][]Starved) map[string]int64 {
	leave := map[string]int64{}
	maps.DeleteFunc(r.spots, func(address string, _ *spot) bool { return slots[address] <= 0 })
	for address, k := range slots {
		if k <= 0 {
			continue
		}
		s, used := r.spots[address], own.Load[address]
		if s == nil {
			s = &spot{had: now}
			r.spots[address] = s
		}
		s.hold(now, used)
		free := k - used - sum.Load[address]
		if n := min(r.leaves(now, address, s, own, starving[address], free > 0), k); n > 0 {
			leave[address] = n
			free -= n
		}
		if free > 0 || used > 0 {
			s.had = now
		}
	}
	return leave
}

// hold notes how many slots we have.
func (s *spot) hold(now time.Time, n int64) {
	switch {
	case n == 0:
		s.since = time.Time{}
	case s.since.IsZero():
		s.since = now
	}
}

// leaves is how many slots of a server are left to others: one to each that has starved there for longer than we have.
func (r *Room) leaves(now time.Time, address string, s *spot, own *Own, starving []Starved, free bool) (n int64) {
	if len(starving) == 0 || !free {
		s.left = nil
	}
	maps.DeleteFunc(s.vain, func(_ string, at time.Time) bool { return now.Sub(at) >= Forget })
	if len(starving) == 0 || !s.since.IsZero() && now.Sub(s.since) < LongWait {
		return 0
	}
	ours := r.age(now, address, own)
	for _, other := range starving {
		first := other.For > ours || other.For == ours && other.By < r.id
		if first && s.waitsFor(now, other.By, free, r.patience) {
			n++
		}
	}
	return n
}

// waitsFor reports whether a slot is left to another gateway. One that has let a free slot lie gets none for some time: what it
// told is old, or it has a reason.
func (s *spot) waitsFor(now time.Time, gateway string, free bool, patience time.Duration) bool {
	if _, vain := s.vain[gateway]; vain {
		return false
	}
	if !free {
		return true
	}
	since, known := s.left[gateway]
	switch {
	case !known && s.left == nil:
		s.left = map[string]time.Time{gateway: now}
	case !known:
		s.left[gateway] = now
	case now.Sub(since) >= patience:
		if s.vain == nil {
			s.vain = map[string]time.Time{}
		}
		delete(s.left, gateway)
		s.vain[gateway] = now
		return false
	}
	return true
}
