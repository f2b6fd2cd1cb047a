// What the judge has decided, and why.

package outlier

import "time"

// Action is what becomes of an endpoint.
type Action uint8

const (
	Eject      Action = iota // it gets no requests until its time is over
	WouldEject               // it would, if the detector ejected
	Restore                  // its ejection is over: it may show with few requests that it is well
	Passed                   // it has shown that
	Warn                     // it will be ejected if it goes on like that
)

// Decision is one thing that was decided of an endpoint.
type Decision struct {
	Action   Action
	Detector Detector       // that found something; of a Restore: for which it was ejected
	Reason   string         // in words
	Evidence map[string]any // the figures: strings, numbers
	For      time.Duration  // how long it will be out, or was
	Until    time.Time      // of Eject and WouldEject
	Repeats  int            // the ejections that count for how long this one is, with it
}

// finding is what a detector has to say against an endpoint.
type finding struct {
	detector Detector
	reason   string
	evidence map[string]any
}

// verdict is a decision that is still to be told.
type verdict struct {
	about *Endpoint
	Decision
}
