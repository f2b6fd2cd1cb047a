// The busiest times of the last week.

package advice

import "time"

const (
	// spellTime is how long one spell is, and spells how many are remembered: a week.
	spellTime = 10 * time.Minute
	spells    = 7 * 24 * int(time.Hour/spellTime)
)

// busiest has the work of each spell of the last week, by when requests came.
type busiest struct {
	at    []int64 // spells since 1970; nil before the first request
	work  []float64
	last  int64
	begun int64
}

func (b *busiest) add(q *Request) {
	at := q.At.Unix() / int64(spellTime/time.Second)
	if b.at == nil {
		b.at, b.work, b.begun = make([]int64, spells), make([]float64, spells), at
	}
	i := int(at%int64(spells)+int64(spells)) % spells
	switch {
	case b.at[i] > at:
		return // the clock went back
	case b.at[i] < at:
		b.at[i], b.work[i] = at, 0
	}
	b.work[i] += q.work()
	b.last = max(b.last, at)
}

// most is the work per second of the busiest spell of the last week; 0 while less than a day was seen.
func (b *busiest) most() (most float64) {
	if b.at == nil || b.last-b.begun < int64(24*time.Hour/spellTime) {
		return 0
	}
	for i, at := range b.at {
		if b.last-at < int64(spells) {
			most = max(most, b.work[i]/spellTime.Seconds())
		}
	}
	return most
}

func (b *busiest) copy() busiest {
	c := *b
	c.at, c.work = append([]int64(nil), b.at...), append([]float64(nil), b.work...)
	return c
}
