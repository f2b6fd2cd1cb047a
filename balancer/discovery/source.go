// What a source says, and to whom.

package discovery

import "context"

// Endpoint is a server as a source names it.
type Endpoint struct {
	Name string // unique in its source; "": host:port of URL
	URL  string // scheme://host:port
	// ID is who it is beyond its address, as a pod's UID; "": the address is all. The same address with
	// another ID is another endpoint.
	ID        string
	Capacity  float64 // 0: not said
	Slots     int     // 0: not said
	Tier      int     // 0 is used first; more: a backup
	Departing bool    // it gets no new requests; those under way go on
}

// Same reports whether both are one server. It may have another capacity, or depart.
func (e *Endpoint) Same(as *Endpoint) bool {
	return e.Name == as.Name && e.URL == as.URL && e.ID == as.ID
}

// List is all that a source knows now. A source sends whole lists, never differences.
type List struct {
	Endpoints []Endpoint
	// Sure says that the source knows that what is missing is gone: then even an empty list is believed at once.
	Sure    bool
	Version string // for people
}

// Sink hears a source. Calls are serial, from the source's goroutine. They never block.
type Sink interface {
	// Found is told each list that was read, also one that is equal to the last. The list is the sink's from then on.
	Found(List)
	// Failed says why nothing could be read. The last list stays.
	Failed(error)
}

// Source looks until ctx ends. It never returns on an error: it tells Failed, and tries again after a Backoff.
type Source interface {
	Run(ctx context.Context, s Sink)
}
