// What a policy is: a builder of pickers, and what a picker is asked and told.

package balancer

import "slices"

// Request is what the balancer is told about a request. It serves one request of one pool, and
// all attempts at it: it remembers its place in the order of arrivals, for a later attempt
// that has to wait. It must not be copied between attempts.
type Request struct {
	// Exclude has endpoints that must not be picked, since an attempt failed there. Those that
	// are no longer members are ignored.
	Exclude []*Endpoint
	// Work is how much work it is predicted to be, in one unit for all requests of a pool: the
	// seconds that it would take at an endpoint, times the endpoint's capacity, over its
	// slots. 0 means that it is not known, and counts as the least.
	Work float64
	// Prompt is what it gives an engine to read, where Pool.Wants says that somebody wants to know.
	Prompt Prompt
	// Priority says who goes first where requests have to wait, and who is sent away first
	// where they are too many: 0, the first to go, to 9. It is in no policy's way.
	Priority uint8
	// Why is told why an endpoint was chosen, when one is; nil: nobody asks. It must not be read while
	// the request may be given an endpoint.
	Why *Choice

	place place // written under Pool.pick when it is given an endpoint
}

func (r *Request) excludes(e *Endpoint) bool { return r != nil && slices.Contains(r.Exclude, e) }

func (r *Request) work() float64 {
	if r == nil {
		return 0
	}
	return r.Work
}

func (r *Request) prompt() *Prompt {
	if r == nil {
		return nil
	}
	return &r.Prompt
}

func (r *Request) priority() uint8 {
	if r == nil {
		return 0
	}
	return r.Priority
}

// Candidate is one eligible endpoint.
type Candidate struct {
	Endpoint *Endpoint
	Capacity float64 // in force, positive and finite
	// Whole is what Capacity grows to, where the endpoint is on its way back; 0: it does not grow.
	Whole float64
}

// Picker is a policy compiled over one eligible set. A pool calls it from one goroutine
// at a time, so it needs no lock of its own.
type Picker interface {
	// Pick returns the index of the open candidate that is to serve the request, and counts
	// the request as given; or false when every candidate is closed or excluded. The request
	// may be nil. Pick must not allocate, block, or keep the request. It is called once for
	// each request that arrives, also while no candidate is open. It is called again for a
	// request that got no endpoint: because it waits, or because another pool had just taken
	// the last slot of the candidate that was returned. That one is closed before the next
	// call, and stays counted as given.
	Pick(r *Request) (i int, ok bool)
	// Open says whether candidate i may be picked. At first all are open. A candidate is
	// closed while its slots are all in use, for moments while connections to it fail, and
	// while Pick is called for a request that is held back. Open is called for changes only.
	Open(i int, open bool)
	// Inherit takes over what the predecessor knew of the candidates that stay. It is called
	// before any other method. The predecessor may be nil or of another policy, and is not
	// used again.
	Inherit(predecessor Picker)
}

// Counter is a Picker that goes by the work in flight.
type Counter interface {
	// Count says how many requests candidate i's server has in flight, from all pools that
	// name it. At first all have none. Count is called once for each candidate before the
	// first pick, and then after each pick and each release. A change that another pool makes
	// is told right after it, but not in the same step.
	Count(i int, inFlight int64)
}

// Taker is a Picker that wants to know which requests were given, while a candidate has a Whole: Pick may be asked, and nothing
// come of it.
type Taker interface {
	// Took says that a request was given to candidate i.
	Took(i int)
}

// Noter is a Picker that has something to say to people about how it shares at present.
type Noter interface {
	// Note returns one line, or "". It may be called from any goroutine at any time.
	Note() string
}

// Builder makes the pickers of a policy.
type Builder interface {
	// Name identifies the policy together with its options: two builders of one name build
	// the same pickers.
	Name() string
	// Build returns a picker over the candidates, which are at least one and are not
	// changed afterwards.
	Build(candidates []Candidate) Picker
}
