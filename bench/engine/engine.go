// What an engine is to those who put it into time: requests go in, events come out.

package engine

// Job is what one request asks of an engine.
type Job struct {
	PromptTokens int
	Work         float64 // units; an engine of a Kind goes by tokens alone
	Tokens       int     // of the answer, told one by one; 0 is 1. An engine of slots makes its whole work of them, however many
	// Prefix says what the prompt is, by a number for each BlockTokens of it: prompts with the same numbers at the same places
	// from the first on begin alike. A last block that is not full may be left out. Nil: it is like no other.
	Prefix []uint64
}

// BlockTokens is how many tokens of a prompt an engine of a Kind remembers as one.
const BlockTokens = 512

// What is what happened to a request.
type What uint8

const (
	Began   What = iota // its service
	Token               // one more of its tokens is made, and not the last
	Done                // its last token is made, and it has left
	Refused             // it has left at once: there is not so much memory
)

// Event is something that happened to one request, at the time of the engine.
type Event struct {
	What   What
	ID     int32
	Made   int // tokens so far, for Token and Done
	Cached int // tokens of the prompt that need not be read, for Began
}

// Engine is one engine at work. It has no clock: its owner says what time it is, in seconds, and time does not go back.
// When Due has come the owner calls Next, before anything that happens later. A method returns the events that it
// caused, in order, in memory that the next call overwrites.
type Engine interface {
	// Due is when something happens next, if nobody interferes; +Inf: never.
	Due() float64
	// Next serves until Due, which must be finite, and makes happen what is due. More may be due at the same instant.
	Next() []Event
	// Enter lets a request in, under a number that no other request in the engine has.
	Enter(now float64, id int32, j Job) []Event
	// Leave takes a request out, whether it is served or waits.
	Leave(now float64, id int32) []Event
	// SetCapacity changes the speed, of reading and decoding, also for those in service. With 0 nothing moves.
	SetCapacity(now, capacity float64)
	// Capacity is what SetCapacity made it.
	Capacity() float64
	// SetStretch makes what begins from now on take so many times as long: a request's service, or an iteration.
	SetStretch(factor float64)
	// Restart empties its memory. Requests that are in begin anew, but for the tokens that were told.
	Restart(now float64) []Event
	State() State
	Known(chain []uint64) int // how many leading blocks of a Chain it remembers
}

// State is what an engine can say of itself. An engine of slots has no memory and no sums.
type State struct {
	Running, Waiting int // requests
	Reading          int // of those that run: whose prompt is not read yet

	UsedTokens, TotalTokens int // of the KV cache: held by those who run, and in all. What is only remembered counts as free
	KeptTokens              int // of prompts of others, remembered

	// Sums since it was started, or restarted.
	CachedTokens, ComputedTokens int64   // of prompts: found in memory, and read; both again where one was thrown back
	MadeTokens                   int64   // of answers
	Iterations, ThrownBack       int64   // ThrownBack: requests that had to leave the memory, to be read again
	Busy                         float64 // seconds of iterations, at the nominal speed
	// Stalled is for how long answers waited while prompts were read: over all iterations, how much longer they took for the
	// prompts in them, times the answers being written. In seconds at the nominal speed.
	Stalled float64
}

// Load is how many requests are in.
func (s State) Load() int { return s.Running + s.Waiting }

// New returns an idle engine at time 0. The options must pass Check.
func New(o Options) Engine {
	if o.Kind != "" {
		return newBatch(o)
	}
	return newSlotted(o)
}
