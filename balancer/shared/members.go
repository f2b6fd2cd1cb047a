// Who is heard, how lately, and what all of them have together.

package shared

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// Fresh is how old what a gateway has told may be until it counts for less.
	Fresh = time.Second
	// Forget is after how long a gateway that is not heard counts for nothing.
	Forget = 5 * time.Second
	// buried is for how long one that is forgotten is remembered, so that an old page of it is known for one.
	buried = time.Minute
	// mostMembers is more gateways than anybody has. Others are left out.
	mostMembers = 1000
	// mostUnknown is what a gateway is believed to have in flight at most at a server without slots.
	mostUnknown = 10_000
	// mostHeld is what a gateway is believed to have under way, or to let wait, at most.
	mostHeld = 1_000_000
	// mostStarved is for how many milliseconds requests of a gateway are believed to starve at most: a day.
	mostStarved = 24 * 60 * 60 * 1000
	// slotsFactor is how many times a server's slots one gateway is believed to have in flight there.
	slotsFactor = 4
)

// member is another gateway, as it was heard last.
type member struct {
	page  *page
	facts []byte    // what it told of what changes slowly; nil: nothing yet
	since time.Time // when it was first heard
	heard time.Time // when a new page came
	late  bool      // it went on after another of its name had begun
	gone  bool      // it is forgotten
}

// weight is how much of what the member told counts, 0 to 1.
func (m *member) weight(now time.Time) float64 {
	age := now.Sub(m.heard)
	switch {
	case m.page.Leaves || age >= Forget:
		return 0
	case age <= Fresh:
		return 1
	}
	return float64(Forget-age) / float64(Forget-Fresh)
}

// members are the other gateways by identity. It is safe for concurrent use.
type members struct {
	name  string    // ours
	epoch int64     // likewise
	begun time.Time // when we did

	mu  sync.Mutex
	all map[string]*member // guarded by mu
}

// hear takes a page in, and reports whether it says anything that was not known.
func (ms *members) hear(p *page, now time.Time) (news bool) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.all[p.id()]
	if m == nil {
		if len(ms.all) >= mostMembers {
			return false
		}
		ms.all[p.id()] = &member{page: p, since: now, heard: now}
		return true
	}
	if p.Seq <= m.page.Seq {
		return false
	}
	if m.gone { // it was away, and is back
		m.since, m.gone = now, false
	}
	if begun, is := ms.after(m); is && now.Sub(begun) >= Forget {
		m.late = true
	}
	m.page, m.heard = p, now
	return true
}

// after says whether a later process of the member's name is heard, or is we, and since when. The caller holds mu.
func (ms *members) after(m *member) (since time.Time, is bool) {
	if m.page.Name == ms.name && m.page.Epoch < ms.epoch {
		return ms.begun, true
	}
	for _, other := range ms.all {
		if other.page.Name == m.page.Name && other.page.Epoch > m.page.Epoch && !other.gone && !other.page.Leaves {
			return other.since, true
		}
	}
	return since, false
}

// tell takes in what a gateway that is known has told of what changes slowly.
func (ms *members) tell(id string, facts []byte) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if m := ms.all[id]; m != nil {
		m.facts = facts
	}
}

// sweep forgets who was not heard for long. It returns those that are forgotten now.
func (ms *members) sweep(now time.Time) (forgotten []string) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for id, m := range ms.all {
		if !m.gone && m.weight(now) == 0 {
			m.gone = true
			forgotten = append(forgotten, id)
		}
		if m.gone && now.Sub(m.heard) >= buried {
			delete(ms.all, id)
		}
	}
	return forgotten
}

// live are the members that count, by name and age. Of one name only the last process counts, unless an earlier one
// goes on telling: then two gateways have one name, and both count. The caller holds mu.
func (ms *members) live(now time.Time) (list []*member) {
	for _, m := range ms.all {
		if _, replaced := ms.after(m); !m.gone && m.weight(now) > 0 && (m.late || !replaced) {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *member) int {
		return cmp.Or(cmp.Compare(a.page.Name, b.page.Name), cmp.Compare(a.page.Epoch, b.page.Epoch))
	})
	return list
}

// Sum is what the others have together.
type Sum struct {
	Load  map[string]int64 // requests in flight, by the server's address
	Under int64            // requests under way
	Waits map[string]int64 // requests that wait, by upstream
	Left  map[string]int64 // slots that are left to others, by the server's address: they count as if they were in use
}

// sum adds up what the members have. slots says how many slots a server has, 0 where it has no limit; an address that
// is no server of ours (known is false) is left out.
func (ms *members) sum(now time.Time, slots func(address string) (n int64, known bool)) Sum {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	s := Sum{Load: map[string]int64{}, Waits: map[string]int64{}}
	for _, m := range ms.live(now) {
		weight := m.weight(now)
		for address, n := range m.page.Load {
			limit, known := slots(address)
			if !known {
				continue
			}
			most := int64(mostUnknown)
			if limit > 0 {
				most = min(slotsFactor*limit, math.MaxInt32)
			}
			s.Load[address] += believed(n, weight, most)
		}
		for upstream, n := range m.page.Waits {
			s.Waits[upstream] += believed(n, weight, mostHeld)
		}
		s.Under += believed(m.page.Under, weight, mostHeld)
	}
	return s
}

// starving is which members say, and have said lately, that their requests starve, by the server's address.
func (ms *members) starving(now time.Time, lately time.Duration) map[string][]Starved {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	all := map[string][]Starved{}
	for _, m := range ms.live(now) {
		if age := now.Sub(m.heard); age < lately {
			for address, n := range m.page.Starves {
				all[address] = append(all[address], Starved{m.page.id(), time.Duration(min(max(n, 0), mostStarved))*time.Millisecond + age})
			}
		}
	}
	return all
}

// believed is how much of a figure counts: no more than anybody can have, and less where it is old.
func believed(n int64, weight float64, most int64) int64 {
	return int64(math.Ceil(float64(min(max(n, 0), most)) * weight))
}
