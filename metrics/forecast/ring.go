// The values of a series, and the calendar they stand in.

package forecast

import (
	"math"
	"time"
)

// ring holds the values of the last steps, by number. What is not there is NaN.
type ring struct {
	values []float64
	next   int64 // one more than the newest step
	begun  int64 // the first step that ever had a value; next where none had
}

func newRing(n int) *ring { return &ring{values: make([]float64, n)} }

func (r *ring) at(step int64) float64 {
	if step >= r.next || step < r.next-int64(len(r.values)) || step < r.begun {
		return math.NaN()
	}
	return r.values[r.place(step)]
}

func (r *ring) place(step int64) int {
	n := int64(len(r.values))
	return int(((step % n) + n) % n)
}

// push appends the value of a step; those that were left out between are gaps.
func (r *ring) push(step int64, v float64) {
	if r.next == 0 && r.begun == 0 {
		r.next, r.begun = step, step
	}
	from := max(r.next, step-int64(len(r.values)))
	for s := from; s < step; s++ {
		r.values[r.place(s)] = math.NaN()
	}
	r.values[r.place(step)] = v
	r.next = step + 1
}

// add adds to a step that is there and no gap.
func (r *ring) add(step int64, v float64) {
	if !math.IsNaN(r.at(step)) {
		r.values[r.place(step)] += v
	}
}

// length is for how many steps there have been values, at most as many as are kept.
func (r *ring) length() int64 { return min(r.next-r.begun, int64(len(r.values))) }

// calendar turns times into steps and back, and knows which step had the same local time some days ago.
type calendar struct {
	step     time.Duration
	location *time.Location
	perDay   int
}

// number is the step that a time is in.
func (c calendar) number(at time.Time) int64 {
	s, size := at.Unix(), int64(c.step/time.Second)
	n := s / size
	if s%size < 0 {
		n--
	}
	return n
}

// starts is when a step begins.
func (c calendar) starts(step int64) time.Time {
	return time.Unix(step*int64(c.step/time.Second), 0).In(c.location)
}

// back is the step that had the same local time some days ago: 23 or 25 hours ago where clocks changed between.
func (c calendar) back(step int64, days int) int64 {
	at := c.starts(step)
	_, offset := at.Zone()
	then := at.Add(-time.Duration(days) * 24 * time.Hour)
	_, before := then.Zone()
	return c.number(then.Add(time.Duration(offset-before) * time.Second))
}

// slot is which part of the local day a step is.
func (c calendar) slot(step int64) int {
	at := c.starts(step)
	of := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	return min(int(of/c.step), c.perDay-1)
}
