// A trace, and what can be said of it as a whole.

package trace

import "time"

// Request is one request of a trace.
type Request struct {
	At   time.Duration // from the start of the trace
	Work float64       // in units; the mean of generated work is 1
	// MaxTokens is the most the client lets the answer be, and the one hint it gives of
	// its length; 0 when it says nothing.
	MaxTokens   int
	PromptBytes int
	Stream      bool

	// What follows is known of real inference work only, and 0 elsewhere.

	PromptTokens int // to be read, 1 or more
	AnswerTokens int // to be written, 1 or more
	// Prefix names the blocks of the prompt, of BlockTokens each; the last may be partial. Equal names at the same place
	// stand for equal text from the start of the prompt to there. nil: no other prompt begins like it.
	Prefix  []uint64
	Session int // which session it belongs to, from 1 on; 0: to none that is known
}

// BlockTokens is how many tokens a block of Request.Prefix has.
const BlockTokens = 512

// Tokens says whether the trace is real inference work: prompts to be read, answers to be written.
func (t Trace) Tokens() bool { return len(t.Requests) > 0 && t.Requests[0].PromptTokens > 0 }

// Trace is what clients ask for, by the time they do.
type Trace struct {
	Name     string // of its work and arrivals, or of the file it was read from
	Requests []Request
}

// Duration returns the time from the start to the last arrival.
func (t Trace) Duration() time.Duration {
	if len(t.Requests) == 0 {
		return 0
	}
	return t.Requests[len(t.Requests)-1].At
}

// Rate returns the arrivals per second; 0 for a trace that takes no time.
func (t Trace) Rate() float64 {
	if t.Duration() <= 0 {
		return 0
	}
	return float64(len(t.Requests)) / t.Duration().Seconds()
}

// MeanWork returns the mean work of a request, in units; 0 for an empty trace.
func (t Trace) MeanWork() float64 {
	if len(t.Requests) == 0 {
		return 0
	}
	sum := 0.0
	for i := range t.Requests {
		sum += t.Requests[i].Work
	}
	return sum / float64(len(t.Requests))
}
