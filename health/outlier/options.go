// What an operator may choose, and the detectors there are.

package outlier

import "time"

// Detector is one way to find that something is wrong with an endpoint.
type Detector uint8

const (
	Consecutive Detector = iota // failures in a row
	Ratio                       // too large a part of its attempts failed
	Slow                        // slower than its peers, by its own measure
	Stall                       // requests wait, and not a byte comes
	Cluster                     // it stands apart from its peers in several figures at once
	Trend                       // it becomes slower; warns, and never ejects

	detectors // one more than the last
)

var detectorNames = [detectors]string{"consecutive", "ratio", "slow", "stall", "cluster", "trend"}

// String is the detector's name, as the configuration, metrics and events have it.
func (d Detector) String() string { return detectorNames[d] }

// Detectors is all there are.
func Detectors() []Detector {
	all := make([]Detector, detectors)
	for i := range all {
		all[i] = Detector(i)
	}
	return all
}

// Options are what the detectors of one upstream go by.
type Options struct {
	// Enforced says which detectors eject. The others say what they would have done.
	Enforced [detectors]bool

	Consecutive  int           // failures in a row that eject; 0: the detector is off
	FailureRatio float64       // of the attempts in the window that failed, which ejects; 0: off
	Window       time.Duration // over which ratios and slowness are judged
	MinRequests  int           // that must have ended in the window for a ratio or a slowness to say anything
	SlowRatio    float64       // time per unit of work by that of its peers, which ejects; 0: off
	Stall        time.Duration // without a byte, at least, that ejects; 0: off

	EjectTime    time.Duration // of the first ejection; the next ones are longer
	MaxEjectTime time.Duration // of the longest, but for the random part
}
