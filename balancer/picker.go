package balancer

import "errors"

// ErrNoEndpoint says that no endpoint may be picked: none is eligible, or all that are were excluded.
var ErrNoEndpoint = errors.New("acquire endpoint: none is eligible")

// Request is what the balancer is told about a request.
type Request struct {
	// Exclude names endpoints that must not be picked, for the repeat of an attempt that
	// failed there. Those that are no longer members are ignored.
	Exclude []*Endpoint
}

// Candidate is one eligible endpoint.
type Candidate struct {
	Endpoint *Endpoint
	Capacity float64 // in force, positive and finite
}

// Picker is a policy compiled over one eligible set. A pool calls it from one goroutine
// at a time, so it needs no lock of its own.
type Picker interface {
	// Pick returns the index of the candidate that serves the request and counts it as
	// given; false when every candidate is excluded. The request may be nil. It must not
	// allocate, block, or keep the request.
	Pick(r *Request) (i int, ok bool)
	// Inherit takes over, before the first Pick, what the predecessor knew of the
	// candidates that stay. The predecessor may be nil or of another policy, and is not
	// used again.
	Inherit(predecessor Picker)
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
