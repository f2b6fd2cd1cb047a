// One endpoint as the judges see it.

package anomaly

import (
	"math"
	"time"
)

const (
	// offsetOver is the time over which an endpoint's own measure is learned, in minutes, and offsetKnown how many
	// minutes it takes for it to count. Before, cold times the ratio is allowed.
	offsetOver, offsetKnown = 12 * 60, 30
	cold                    = 2.0
	// stalled is how many times as long as usual a request takes that has stalled.
	stalled = 8.0
	// cut is where the logarithm of a request's time is cut for sums.
	cut = 2.5
	// perMinute is how many requests a value of the slower judges needs; fewer wait for the next minute.
	perMinute = 10
)

var logStalled = math.Log(stalled)

// group is some requests that are compared with the rest of their upstream: those of an endpoint or of a model.
type group struct {
	name         string
	sum, n       float64 // of their times as logarithms, since the last value
	allSum, allN float64 // of the whole upstream, at the last value
	Past         *past   // of how much longer they take than the others
}

func newGroup(name string) group {
	return group{name: name, Past: newPast(false, leastShift)}
}

// unknown stands for a mean that is not known.
const unknown = -1e9

// endpoint is one endpoint.
type endpoint struct {
	group
	samples samples
	heard   int     // the look of its last request
	Promise float64 // the logarithm of what its capacity and slots promise a unit of work to take
	Offset  float64 // how much longer than its peers it takes in calm times
	Minutes float64 // of which that has been learned
	value   float64 // the mean of its last minute, or unknown
	valued  int     // the look of that

	race    race
	slow    bool // by its peers
	since   time.Time
	calm    int // looks in a row
	shift   float64
	window  time.Duration
	apart   int // looks of the cluster in a row
	Trouble [symptoms]*ratio
	Trends  map[string]*hours
}

func newEndpoint(name string, whole *upstream) *endpoint {
	e := &endpoint{group: newGroup(name), value: unknown, Trends: map[string]*hours{}}
	for s, band := range bands {
		if band.least > 0 {
			e.Trouble[s] = newRatio(band, whole.Trouble[s])
		}
	}
	return e
}

// bands say what is usual of requests that go wrong.
var bands = [symptoms]ratioBand{
	Errors:    {least: 0.002, more: 0.02},
	Truncated: {least: 0.0005, more: 0.004},
	Stalls:    {least: 0.002, more: 0.02, learned: true},
}

// promised is how long a unit of work should take there, as a logarithm.
func promised(capacity float64, slots int) float64 {
	if !(capacity > 0) || math.IsInf(capacity, 0) {
		return 0
	}
	return math.Log(float64(max(slots, 1)) / capacity)
}

// reset forgets what was measured: what it is measured by has changed.
func (e *endpoint) reset() {
	e.samples.reset()
	e.Offset, e.Minutes = 0, 0
	e.Past.accept()
	e.sum, e.n, e.value = 0, 0, unknown
	e.race, e.slow, e.calm, e.apart = race{}, false, 0, 0
	clear(e.Trends)
}

// known says whether its own measure counts.
func (e *endpoint) known() bool { return e.Minutes >= offsetKnown }

// learn takes how much longer than its peers it took in a minute for its own measure.
func (e *endpoint) learn(difference float64) {
	e.Minutes++
	e.Offset += (difference - e.Offset) / min(e.Minutes, offsetOver)
	if e.Minutes == offsetKnown {
		e.race.known(e.Offset)
	}
}

// accused says whether a judge of speed accuses it.
func (e *endpoint) accused() bool { return e.slow || e.Past.raised || e.apart >= apartTimes }
