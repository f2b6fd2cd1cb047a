// What becomes of a request after a failed attempt.

package retry

// Verdict is what becomes of a request whose attempt has failed.
type Verdict uint8

const (
	// GiveUp: the client is told of the failure.
	GiveUp Verdict = iota
	// Resend: it goes out once more, to the same endpoint, on a fresh connection.
	Resend
	// Move: it goes to another endpoint.
	Move
	// Wait: it goes to whichever endpoint can be reached first, if any is waited for.
	Wait
)

// Failure is how an attempt failed, as far as it matters here.
type Failure struct {
	Leased bool // the attempt had an endpoint
	Sent   bool // bytes of the request may have reached it
	// Elsewhere says that the failure was the endpoint's, or want of something of ours:
	// with another endpoint it may go better.
	Elsewhere bool
	// Ended says that a reused connection ended before a byte of the answer, DiedIdle that it
	// had most likely ended before the request came there.
	Ended, DiedIdle bool
	Idempotent      bool // doing the request twice is doing it once
	Repeatable      bool // all of its body can be sent from its beginning
	Replayable      bool // and may be, once it was sent
}

// History is what became of the request before.
type History struct {
	Resent int // times it was sent again to the same endpoint
	Moved  int // times it was given an endpoint anew
}

// Policy says how often a request is tried again.
type Policy struct {
	Resends int // on a fresh connection, at most
	Moves   int // to another endpoint; after as many the request may only wait
}

// Default is what is done without being asked for: nothing is sent twice that could be done
// twice.
var Default = Policy{Resends: 1, Moves: 1}

// Next is what becomes of the request.
func (p Policy) Next(h History, f Failure) Verdict {
	switch {
	case !f.Repeatable:
		return GiveUp
	case f.Ended && f.Replayable && h.Resent < p.Resends && (f.DiedIdle || f.Idempotent):
		return Resend
	case !f.Leased || f.Sent || !f.Elsewhere || h.Resent > 0: // once resent it may have been read
		return GiveUp
	case h.Moved < p.Moves:
		return Move
	}
	return Wait
}
