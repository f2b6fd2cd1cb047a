// From readings of counters to the rows of the table.

package demo

import "time"

// windowLength is how far back the measured columns look.
const windowLength = 5 * time.Second

// reading is what the gateway says of one endpoint at one instant. The
// counters run from the gateway's start.
type reading struct {
	name     string
	capacity float64
	share    float64 // expected now, 0 to 1
	inFlight int64
	health   string
	out      bool // not picked now

	requests        float64 // ended
	responses       float64 // of those, with a response time
	responseSeconds float64 // the sum of those
}

// row is one line of the table.
type row struct {
	reading
	measured float64       // share of the requests that ended in the window, 0 to 1; NaN when none did
	total    float64       // the same since the start
	mean     time.Duration // response time of those that ended in the window; 0 when none did
}

// window turns readings into rows. It belongs to one goroutine.
type window struct {
	samples []sample // oldest first; the first is the newest one that is at least windowLength old
}

type sample struct {
	at       time.Time
	readings []reading
}

// of is the reading of one endpoint; one that was not there has counted nothing.
func (s *sample) of(name string) (r reading) {
	for _, r := range s.readings {
		if r.name == name {
			return r
		}
	}
	return r
}

// add takes the readings of one instant and returns the rows as of then, and
// the requests per second that ended in the window.
func (w *window) add(at time.Time, readings []reading) (rows []row, perSecond float64) {
	w.samples = append(w.samples, sample{at, readings})
	for len(w.samples) > 2 && at.Sub(w.samples[1].at) >= windowLength {
		w.samples = w.samples[1:]
	}
	base := w.samples[0]
	var ended, endedEver float64
	for _, r := range readings {
		ended += r.requests - base.of(r.name).requests
		endedEver += r.requests
	}
	for _, r := range readings {
		before := base.of(r.name)
		// 0/0 is the NaN that row mentions.
		next := row{reading: r, measured: (r.requests - before.requests) / ended, total: r.requests / endedEver}
		if n := r.responses - before.responses; n > 0 {
			next.mean = time.Duration((r.responseSeconds - before.responseSeconds) / n * float64(time.Second))
		}
		rows = append(rows, next)
	}
	if took := at.Sub(base.at).Seconds(); took > 0 {
		perSecond = ended / took
	}
	return rows, perSecond
}
