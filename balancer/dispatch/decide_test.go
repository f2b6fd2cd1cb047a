package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

const ms = time.Millisecond

// free and awaited are seats of one slot that take so many seconds for the usual request.
func free(seconds float64) Seat    { return Seat{Free: true, Slots: 1, Seconds: seconds} }
func awaited(seconds float64) Seat { return Seat{Awaited: true, Slots: 1, Seconds: seconds} }

func (s Seat) stale() Seat                     { s.Stale = true; return s }
func (s Seat) of(slots int64) Seat             { s.Slots = slots; return s }
func (s Seat) silent(since time.Duration) Seat { s.Silent = since; return s }
func fleet(seats ...Seat) Fleet                { return Fleet{FreeSlots: 2, Seats: seats} }
func lastOf(slots int64, waiting int) Fleet {
	return Fleet{FreeSlots: 1, Slots: slots, Waiting: waiting}
}
func aged(r Request, by time.Duration) Request  { r.Arrived -= by; return r }
func within(r Request, d time.Duration) Request { r.Longest = d; return r }

// TestDecide: now is 1 h, when those who ask arrived unless it is said otherwise.
func TestDecide(t *testing.T) {
	const now = time.Hour
	usual := Request{Size: 1, Arrived: now, Longest: 15 * time.Second}
	comes, first, second := usual, usual, usual
	comes.New, second.Ahead = true, 1
	long := Request{Size: 9, Trusted: true, Long: true, Arrived: now, Longest: 15 * time.Second}
	sized, third, patient := long, usual, usual
	sized.Long, third.Ahead, patient.Ahead = false, 2, Tuned.MostPatient
	untrusted := sized
	untrusted.Trusted = false

	for name, c := range map[string]struct {
		r     Request
		f     Fleet
		want  Action
		until time.Duration // from now
	}{
		"nothing to compare":                      {r: usual, f: Fleet{FreeSlots: 5}},
		"all are as fast":                         {r: usual, f: fleet(free(1), awaited(1))},
		"not much faster":                         {r: usual, f: fleet(free(1), awaited(0.3))},
		"much faster":                             {first, fleet(free(1), awaited(0.1)), Wait, 450 * ms},
		"with one ahead":                          {second, fleet(free(1), awaited(0.1)), Wait, 450 * ms},
		"with two it takes too long":              {r: third, f: fleet(free(1), awaited(0.1))},
		"unless slots are many":                   {third, fleet(free(1), awaited(0.1).of(2)), Wait, 450 * ms},
		"too many ahead":                          {r: patient, f: fleet(free(1000), awaited(0.001).of(100))},
		"nobody has measured it":                  {r: usual, f: fleet(free(0), awaited(0.1))},
		"nor the fast one":                        {r: usual, f: fleet(free(1), awaited(0))},
		"the fast one is not for it":              {r: usual, f: fleet(free(1), Seat{Slots: 1, Seconds: 0.1})},
		"no free one is for it":                   {r: usual, f: fleet(Seat{Slots: 1, Seconds: 1}, awaited(0.1))},
		"a fast one is free as well":              {r: usual, f: fleet(free(1), free(0.2), awaited(0.1))},
		"what is slower than free does not count": {first, fleet(free(1), awaited(0.1), awaited(100)), Wait, 450 * ms},
		"the fast one hangs":                      {r: usual, f: fleet(free(1), awaited(0.1).silent(time.Second))},

		"half of what is to be gained is over": {r: aged(usual, 450*ms), f: fleet(free(1), awaited(0.1))},
		"nearly":                               {aged(usual, 400*ms), fleet(free(1), awaited(0.1)), Wait, 50 * ms},
		"the longest wait is less":             {within(usual, 100*ms), fleet(free(1), awaited(0.1)), Wait, 100*ms + 1},
		"a larger one gains more":              {sized, fleet(free(0.4), awaited(0.1)), Wait, 1350 * ms},
		"if its size can be trusted":           {r: untrusted, f: fleet(free(0.4), awaited(0.2))},

		"who comes tries one that is stale": {r: comes, f: fleet(free(1).stale(), awaited(0.1)), want: Mask},
		"who waits does not":                {usual, fleet(free(1).stale(), awaited(0.1)), Wait, 450 * ms},
		"nor one that would take it anyway": {r: comes, f: fleet(free(0.1).stale(), awaited(0.1))},
		"none that is free is stale":        {comes, fleet(free(1), awaited(0.1).stale()), Wait, 450 * ms},

		"a long one leaves the last slot": {long, lastOf(3, 2), Wait, 15*time.Second + 1},
		"not the last of two":             {r: long, f: lastOf(2, 1)},
		"not when three wait":             {r: long, f: lastOf(3, 3)},
		"not for ever":                    {r: aged(long, 15*time.Second+1), f: lastOf(3, 2)},
		"one that is not long takes it":   {r: sized, f: lastOf(3, 2)},
		"two are free":                    {r: long, f: Fleet{FreeSlots: 2, Slots: 3}},
		"of slots without limit":          {r: long, f: lastOf(0, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			action, until := Tuned.Decide(&c.r, &c.f, now)
			assert.Equal(t, c.want, action)
			if action == Wait {
				assert.InDelta(t, float64(c.until), float64(until-now), 1000)
			} else {
				assert.Zero(t, until)
			}
		})
	}
}

// TestMoreAheadNeverMakesOneWait: whoever takes a slot as the first takes it as any other,
// so that nobody has to count who is ahead of it.
func TestMoreAheadNeverMakesOneWait(t *testing.T) {
	for _, here := range []float64{0.1, 0.4, 1, 7} {
		for _, there := range []float64{0.05, 0.1, 0.9} {
			waited := true
			for ahead := range 2 * Tuned.MostPatient {
				f := fleet(free(here), awaited(there).of(4))
				action, _ := Tuned.Decide(&Request{Size: 1, Ahead: ahead, Longest: time.Minute}, &f, 0)
				if !waited {
					assert.Equal(t, Take, action, "%v, %v, %d ahead", here, there, ahead)
				}
				waited = action == Wait
			}
		}
	}
}
