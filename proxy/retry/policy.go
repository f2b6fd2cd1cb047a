// What becomes of a request after a failed attempt.

package retry

import "time"

// Verdict is what becomes of a request whose attempt has failed.
type Verdict uint8

const (
	// GiveUp: the client is told of the failure, or gets the answer that there is.
	GiveUp Verdict = iota
	// Resend: it goes out once more, to the same endpoint, on a fresh connection.
	Resend
	// Move: it goes to another endpoint, if the budget has one more retry.
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
	// Broke says that the endpoint had most likely read the request when it broke off: it may
	// have died of it.
	Broke      bool
	Status     int  // the endpoint has answered so, and nobody has the answer yet; 0: there is none
	Idempotent bool // doing the request twice is doing it once
	Repeatable bool // all of its body can be sent from its beginning, and the client has nothing of an answer
	Replayable bool // and may be, once it was sent
}

// History is what became of the request before.
type History struct {
	Resent int // times it was sent again to the same endpoint
	Moved  int // times it was given an endpoint anew
	Read   int // endpoints that may have read it, before the one of the failure
	Broke  int // of these, those that broke off over it
}

// Policy says when and how often requests of an upstream are tried again.
type Policy struct {
	Attempts   int           // tries of a request, the first included, at most; below 2 none is tried again
	Statuses   Statuses      // answers after which it is tried again; 500 only where that is Idempotent
	Idempotent Idempotence   // which requests may be done twice
	Ratio      float64       // retries, as a part of the requests, see Budget
	Backoff    time.Duration // before the first retry, at most; twice as long before each further one
	MaxBackoff time.Duration // and never longer
	Within     time.Duration // no retry begins later than this after the request was first given an endpoint; 0: no bound
}

// Idempotence says which requests may be done twice.
type Idempotence uint8

const (
	// KnownPaths: those of an idempotent method, and those of paths that are known to ask for
	// inference and nothing else.
	KnownPaths Idempotence = iota
	// All of them.
	All
	// ByMethod: those of an idempotent method alone.
	ByMethod
)

const (
	// resends is how often a request goes out again on a fresh connection where the one before
	// had died idle.
	resends = 1
	// mostSuspect is how many endpoints may read a request over which one of them broke off. It
	// may be what they die of.
	mostSuspect = 2
)

// Default is what is done unless the configuration says otherwise.
func Default() Policy {
	return Policy{
		Attempts: 3, Statuses: NewStatuses(429, 500, 502, 503, 504), Ratio: 0.2,
		Backoff: 25 * time.Millisecond, MaxBackoff: 250 * time.Millisecond, Within: time.Minute,
	}
}

// Next is what becomes of the request.
func (p *Policy) Next(h History, f Failure) Verdict {
	suspect := h.Broke > 0 || f.Broke
	more := h.Moved+1 < p.Attempts && !(suspect && f.Sent && h.Read+1 >= mostSuspect)
	switch {
	case !f.Repeatable:
		return GiveUp
	case f.Ended && f.DiedIdle && f.Replayable && h.Resent < resends:
		return Resend
	case !f.Leased || !f.Elsewhere:
		return GiveUp
	case f.Status > 0:
		return p.moveIf(more && f.Replayable && p.Wants(f.Status, f.Idempotent))
	case f.Sent || h.Resent > 0: // once resent it may have been read
		return p.moveIf(more && f.Replayable && f.Idempotent)
	case more:
		return Move
	case p.Attempts > 1:
		return Wait
	}
	return GiveUp
}

func (p *Policy) moveIf(so bool) Verdict {
	if so {
		return Move
	}
	return GiveUp
}

// Wants says whether an answer of this status is reason for another try.
func (p *Policy) Wants(status int, idempotent bool) bool {
	return p.Statuses.Has(status) && (status != 500 || idempotent)
}

// Pause is how long to wait before a request's nth retry. Random is from 0 to 1: without
// chance, all that failed at once would come back at once.
func (p *Policy) Pause(n int, random float64) time.Duration {
	d := p.Backoff
	for ; n > 1 && d < p.MaxBackoff; n-- {
		d *= 2
	}
	return time.Duration(random * float64(min(d, p.MaxBackoff)))
}
