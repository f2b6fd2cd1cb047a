// What is kept of a finished request, for all who analyse.

package usage

import "time"

// UserID stands for whoever asked: "key:", "user:" or "addr:" and a hash, or a name where names are
// kept as they are. "": nobody is told apart.
type UserID string

// Row is what is kept of a finished request. It holds nothing of what the request or its answer
// said, and points into nothing that is used again. Whoever is handed one may keep a copy, and must
// not change it.
type Row struct {
	At       time.Time // when the request's first byte came
	Upstream string    // that served it, or was to
	Endpoint string    // of the last attempt; "": none had to do with it
	Model    string    // that was asked for; "": not known
	Class    string    // of the last attempt's outcome; "": there was none
	User     UserID
	Status   int    // that the client got, 499 where it left; 0: none
	Failure  string // a code of proxy/ERRORS.md; "": it did not fail by us
	Phase    string // where it was when it ended: read, queue, connect, upload, first_byte, stream or tunnel

	PromptHash       uint64 // equal for bodies that are the same, in one run of the program; 0: not known
	PromptBytes      int
	MaxTokens        int // 0: not said
	PromptTokens     int // as the engine has said; 0: it has not
	CachedTokens     int // of PromptTokens, that were in its cache
	CompletionTokens int
	Written          int // bytes of the answer
	Stream           bool

	Queue         time.Duration // waited for a slot, all attempts together
	FirstByte     time.Duration // from At to the first byte of the answer; 0: none came
	Service       time.Duration // of the last attempt, from when it began to be sent to the answer's end, without waits for the client
	Response      time.Duration // from At to the end; 0 where how long it took says nothing, as of a tunnel
	Overhead      time.Duration // the part of FirstByte that was ours
	ClientTimeout time.Duration // how long the client will wait, by X-Stainless-Timeout; 0: not said

	// Retry is the how manieth time this is that the client asks the same: by X-Stainless-Retry-Count,
	// or 1 where it was found by the prompt. Said is whether the client has said so, 0 included.
	Retry     int
	RetrySaid bool
	Attempts  int  // times the request was sent to an endpoint, or was to be
	Begun     bool // bytes of an answer may have reached the client

	Capacity float64 // of the endpoint, as it was then
	Slots    int     // of the endpoint; 0: no limit
	Work     float64 // as it was predicted, as a multiple of the mean; 0: not known
}

// End is when the request had ended.
func (r *Row) End() time.Time { return r.At.Add(r.Response) }

// Statuses that say more than their class.
const (
	statusTimeout = 408
	statusMany    = 429
	statusGone    = 499 // the client has left
)

// Aborted says whether the client left before the end of the answer.
func (r *Row) Aborted() bool { return r.Status == statusGone }

// Failed says whether the client got no answer, a cut one, or an error that asks it to come again. What it did wrong itself is no failure.
func (r *Row) Failed() bool {
	return r.Status >= 500 || r.Status == statusMany || r.Status == statusTimeout || r.Status == 0 || r.Failure != "" && r.Status < 400
}
