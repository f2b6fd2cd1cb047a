// An outcome: how an attempt ended, and how long it took.

package balancer

import "time"

// OutcomeClass says how an attempt ended.
type OutcomeClass uint8

const (
	// Unknown is an ending nobody has put a name to.
	Unknown OutcomeClass = iota
	// Answered is an answer that came whole, of any status.
	Answered
	// ConnectFailed is a connection that could not be made: nothing was sent.
	ConnectFailed
	// Failed is an attempt that broke before the first byte of an answer.
	Failed
	// TimedOut is a deadline that passed in any phase.
	TimedOut
	// Truncated is an answer that began and was cut short by the endpoint.
	Truncated
	// ClientGone is a client that left; it says nothing of the endpoint.
	ClientGone
	// Refused is an attempt steelyard ended for reasons of its own, such as a bad upload
	// or a shutdown; it says nothing of the endpoint.
	Refused

	classCount // how many there are; keep last
)

var classNames = [classCount]string{
	"unknown", "answered", "connect_failed", "failed", "timed_out", "truncated", "client_gone", "refused",
}

// String returns the class in lower case with underscores, as metrics and logs show it.
func (c OutcomeClass) String() string {
	if c >= classCount {
		c = Unknown
	}
	return classNames[c]
}

// Outcome is what a lease is released with: how one attempt ended. Times are 0 where nobody
// has measured them.
type Outcome struct {
	Class  OutcomeClass
	Status int    // the endpoint's status; 0 when none came
	Reason string // of ConnectFailed, for people: why

	// PushBack is for how long the endpoint has asked to be left alone: by 429, or 503 with
	// Retry-After. It is well, but has no room; 0: it did not ask.
	PushBack time.Duration

	Connect   time.Duration // to make a connection; 0 where there was one
	FirstByte time.Duration // from when the request began to be sent to the head of the answer
	Service   time.Duration // from then to the end, but for Blocked
	Blocked   time.Duration // the client kept what was sent to it waiting
	Size      float64       // predicted work, as a multiple of the mean; 0: not known

	Usage Usage // what the engine said that the request was; zeros where it said nothing, or nobody wants to know
}

// good reports whether the endpoint served the request well.
func (o *Outcome) good() bool { return o.Class == Answered && o.Status < 500 && o.PushBack == 0 }

// bad reports whether the endpoint failed the request.
func (o *Outcome) bad() bool {
	switch o.Class {
	case ConnectFailed, Failed, TimedOut, Truncated:
		return true
	}
	return o.Class == Answered && o.Status >= 500 && o.PushBack == 0
}

// held is for how long the attempt had one of the endpoint's slots; 0 where nobody has measured it.
func (o *Outcome) held() time.Duration { return o.Connect + o.Service + o.Blocked }
