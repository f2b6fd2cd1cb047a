// What a controller is told.

package autoscale

import (
	"math"
	"time"
)

// Sample is how one upstream is at a moment. NaN is a figure that is not known. The zero value of an objective, of
// Worth, Capacity and Lead says that there is none.
type Sample struct {
	Age time.Duration // of the newest figure

	// The servers. A replica counts once.
	Ready    int // that serve
	Starting int // that were ordered, and do not serve yet
	Draining int // that get no new requests, and will go
	Out      int // that should serve, and cannot be used: probes fail, ejected, unreachable
	// Capacity is that of one replica, as it was learned of new ones; 0 or NaN: Settings.Capacity.
	Capacity float64
	// Worth is the capacity of all that serve, fixed ones included; 0 or NaN: Ready × Capacity.
	Worth float64
	// Lead is how long a start takes, as it was measured (the median); 0: Settings.StartTime.
	Lead time.Duration

	// The work.
	Arriving        float64       // work that comes per second
	Waiting         float64       // work that waits
	WaitingRequests int           // how many wait, the held ones included
	Held            int           // that wait because there is no server at all
	OldestWait      time.Duration // of those that wait
	InFlight        int           // requests at the servers that serve
	Slots           int           // of those; 0: there is no limit
	Forecast        float64       // work per second that is foretold for the lead time

	// What clients see, in seconds; the objective 0: there is none.
	FirstByte, FirstByteObjective float64 // the 95th percentile
	PerToken, PerTokenObjective   float64

	Resources []Resource
	Asked     int // servers more, or fewer, that alerts have asked for since the last Step
}

// Resource is a figure of the servers, such as how busy their processors are.
type Resource struct {
	Metric string
	Value  float64 // NaN: not known
}

// known is a figure that arithmetic can bear: finite and not negative.
func known(v float64) bool { return v >= 0 && !math.IsInf(v, 1) && !math.IsNaN(v) }

// sound is the sample without numbers that make no sense: a source may say anything.
func (s Sample) sound() Sample {
	for _, n := range []*int{&s.Ready, &s.Starting, &s.Draining, &s.Out, &s.WaitingRequests, &s.Held, &s.InFlight, &s.Slots} {
		*n = min(max(*n, 0), most)
	}
	s.Asked = min(max(s.Asked, -most), most)
	for _, d := range []*time.Duration{&s.Age, &s.Lead, &s.OldestWait} {
		*d = max(*d, 0)
	}
	return s
}
