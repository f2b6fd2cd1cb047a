// What a controller goes by.

package autoscale

import (
	"cmp"
	"math"
	"time"
)

// Predict is what becomes of a forecast.
type Predict string

// What may become of it.
const (
	PredictOff   Predict = "off"   // nothing
	PredictShow  Predict = "show"  // decisions say what it would have done
	PredictFloor Predict = "floor" // there are at least as many as it asks for
)

// Settings is what a controller goes by. Each that is 0 has the default named here.
type Settings struct {
	Min, Max int     // replicas; Max 1 where both are 0
	Capacity float64 // of one new replica, until Sample.Capacity says what was learned; 1
	Slots    int     // of one new replica; 0: no limit, or not known

	TargetUtilization float64       // above 0 and below 1: how busy one server alone shall be, many may be busier; 0.7
	TargetWait        time.Duration // how long a request may wait for a server; 2 s
	Interval          time.Duration // from one Step to the next; 5 s
	ScaleInAfter      time.Duration // for so long fewer must suffice before one goes; 5 min
	ZeroAfter         time.Duration // for so long nothing must come before the last one goes, where Min is 0; 15 min
	StartTime         time.Duration // how long a replica takes to be ready, until that was measured; 1 min
	StartTimeout      time.Duration // a start that takes longer has failed; 10 min
	DrainTimeout      time.Duration // how long what is in flight may take to end; 10 min
	ClearWithin       time.Duration // what waits shall be gone when new replicas have served for so long; 0: as long as a start takes
	MaxStarting       int           // at once; 0: as many as a step may have
	Predict           Predict       // PredictFloor
	Thresholds        []Threshold
}

// Threshold asks for more servers by a figure of theirs.
type Threshold struct {
	Metric string        // "cpu", "memory", ...
	Above  float64       // one more server is asked for above it,
	Clear  float64       // until it is below this; 0: Above
	For    time.Duration // and it has been above for so long
}

// withDefaults fills in what is 0, and what makes no sense: a configuration was checked, but a bench may ask for anything.
func (s Settings) withDefaults() Settings {
	s.Min = max(s.Min, 0)
	s.Max = max(s.Max, s.Min, 1)
	if !(s.Capacity > 0) || math.IsInf(s.Capacity, 0) {
		s.Capacity = 1
	}
	s.Slots = max(s.Slots, 0)
	if !(s.TargetUtilization > 0 && s.TargetUtilization < 1) {
		s.TargetUtilization = 0.7
	}
	s.TargetUtilization = max(s.TargetUtilization, 0.01)
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&s.TargetWait, 2 * time.Second}, {&s.Interval, 5 * time.Second}, {&s.ScaleInAfter, 5 * time.Minute}, {&s.ZeroAfter, 15 * time.Minute},
		{&s.StartTime, time.Minute}, {&s.StartTimeout, 10 * time.Minute}, {&s.DrainTimeout, 10 * time.Minute},
	} {
		*d.value = max(cmp.Or(*d.value, d.usual), time.Millisecond)
	}
	s.MaxStarting = max(s.MaxStarting, 0)
	s.Predict = cmp.Or(s.Predict, PredictFloor)
	return s
}
