// A finished request to learn from, and why some are left out.

package predict

import (
	"math"
	"time"
)

// Row is a finished request, to learn from.
type Row struct {
	Model string // "" when the request names none
	Features
	Work    float64       // service time in seconds × C_i / slots_i of the endpoint
	Service time.Duration // the time alone; 0 when not known
	Class   string        // how it ended, as balancer.OutcomeClass prints it
	Status  int           // of the answer; 0 when none came
}

// Classes are all that a Row's Class can be.
var Classes = []string{"answered", "connect_failed", "failed", "timed_out", "truncated", "client_gone", "refused", "unknown"}

// Reason says why nothing is learned from a row.
type Reason uint8

const (
	// Kept rows are learned from.
	Kept Reason = iota
	// Aborted requests ended early, so that their work is not known.
	Aborted
	// Errored requests were not served. An error costs an endpoint other work than an answer.
	Errored
	// Impossible rows have impossible numbers: work that is not above zero, or sizes below it.
	Impossible
	// OutOfRange rows took longer than a day, or have more or less work than any sensible unit
	// of capacity can make of a request.
	OutOfRange

	reasonCount // how many there are; keep last
)

var reasonNames = [reasonCount]string{"kept", "aborted", "errored", "impossible", "out_of_range"}

// String returns the reason in lower case with underscores, as metrics show it.
func (r Reason) String() string {
	if r >= reasonCount {
		return "unknown"
	}
	return reasonNames[r]
}

// Counts has a number of rows for each Reason.
type Counts [reasonCount]uint64

const (
	mostService = 24 * time.Hour
	// mostWork is a day on an endpoint of capacity 10¹⁶, and leastWork is 1/mostWork. Neither
	// can be reached by what can be configured, and their squares can still be summed.
	mostWork  = 1e21
	leastWork = 1e-21
)

// Clean returns Kept if the row can be learned from, or else why not.
func (r *Row) Clean() Reason {
	switch r.Class {
	case "answered":
	case "client_gone", "truncated", "timed_out", "refused":
		return Aborted
	default:
		return Errored
	}
	switch {
	case r.Status < 200 || r.Status > 299:
		return Errored
	case !(r.Work > 0) || math.IsInf(r.Work, 1): // NaN is not above zero
		return Impossible
	case r.PromptBytes < 0 || r.MaxTokens < 0 || r.Service < 0:
		return Impossible
	case r.Work < leastWork || r.Work > mostWork || r.Service > mostService:
		return OutOfRange
	}
	return Kept
}
