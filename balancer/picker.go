package balancer

import "slices"

// Request is what the balancer is told about a request. It is for one request of one pool,
// and for all attempts at it: once it has been given an endpoint it keeps its place in the
// order of arrivals, for a repeat that must wait. It must not be copied in between.
type Request struct {
	// Exclude names endpoints that must not be picked, for the repeat of an attempt that
	// failed there. Those that are no longer members are ignored.
	Exclude []*Endpoint
	// Work is the work it is predicted to be, in one unit for all requests of a pool: the
	// seconds it would take in one slot, times the endpoint's capacity, over its slots. 0 is
	// not known and counts as the least.
	Work float64

	place place // written under Pool.pick when it is given an endpoint
}

func (r *Request) excludes(e *Endpoint) bool { return r != nil && slices.Contains(r.Exclude, e) }

func (r *Request) work() float64 {
	if r == nil {
		return 0
	}
	return r.Work
}

// Candidate is one eligible endpoint.
type Candidate struct {
	Endpoint *Endpoint
	Capacity float64 // in force, positive and finite
}

// Picker is a policy compiled over one eligible set. A pool calls it from one goroutine
// at a time, so it needs no lock of its own.
type Picker interface {
	// Pick returns the index of the open candidate that serves the request and counts it as
	// given; false when every candidate is closed or excluded. The request may be nil. It
	// must not allocate, block, or keep the request. It is called once for each request
	// that arrives, also while none is open, and again for one that was not placed: because
	// it waits, or because another pool had just taken the last slot of the one returned,
	// which then was counted as given and is closed before the next call.
	Pick(r *Request) (i int, ok bool)
	// Open says whether candidate i may be picked: it is closed while its slots are all in
	// use, now and then while connections to it fail, and while Pick is called for a request
	// that is held back. At first all are open. It is
	// called for changes only.
	Open(i int, open bool)
	// Inherit takes over, before the first call of another method, what the predecessor
	// knew of the candidates that stay. The predecessor may be nil or of another policy,
	// and is not used again.
	Inherit(predecessor Picker)
}

// Counter is a Picker that goes by the work in flight.
type Counter interface {
	// Count says how many requests candidate i's server has in flight, of all pools that
	// name it: after each pick, each release, and once for each candidate before the first
	// pick. At first all have none. A change made through another pool is told as soon as
	// it has been made there, but not in one step with it.
	Count(i int, inFlight int64)
}

// Noter is a Picker that has something to say to people about how it shares at present.
type Noter interface {
	// Note returns one line, or "". It may be called from any goroutine at any time.
	Note() string
}

// Builder compiles a policy.
type Builder interface {
	// Name identifies the policy together with its options: two builders of one name build
	// the same pickers.
	Name() string
	// Build returns a picker over the candidates, which are at least one and are not
	// changed afterwards.
	Build(candidates []Candidate) Picker
}
