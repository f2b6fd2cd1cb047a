// The states that a scrape asks other rooms for.

package metrics

// EndpointState is what a scrape shows of an endpoint besides its counts:
// plain numbers, which the caller of Observe copies from the pool's snapshot,
// the transport and the prober.
type EndpointState struct {
	Upstream, Endpoint string

	InFlight          int64   // requests, to the end of the stream
	BaseCapacity      float64 // configured or learned, in the upstream's unit
	EffectiveCapacity float64 // base × ramp
	Slots             int     // requests it works on at once, 0 for no limit
	ShareRatio        float64 // expected share of the upstream's requests, 0 to 1

	Eligible bool // may be picked
	Busy     bool // the last probes said that it is full; still eligible
	Cooling  bool // it asked to be left alone for a while, which is not over; still eligible
	OnTrial  bool // it has come back, and requests find out whether it serves well
	// Unreachable: connections for requests fail, so it is passed over for a while; still eligible.
	Unreachable bool

	// Conditions, each a reason not to be picked.
	Draining, Departing, Arriving, ProbeFailed, Ejected bool

	IdleConnections, ActiveConnections int // to the endpoint, now
}

// QueueState is what a scrape shows of the requests that come to an upstream.
type QueueState struct {
	Upstream    string
	Waiting     int  // requests, now
	Unavailable bool // none finds an endpoint, and none is held for one that has still to come
}

// ClientConnections counts the clients' connections that are open now, by use.
type ClientConnections struct {
	Idle   int // between two requests
	Active int // in a request
	Tunnel int // upgraded
}

// Usage is what the process as a whole has in use.
type Usage struct {
	Requests int64 // under way, now
	Memory   int64 // bytes, when it was last measured
}

// Observe makes source the origin of the gauges by endpoint. It is called
// once per scrape, from any goroutine, and should name each pair of upstream
// and endpoint once: a scrape leaves out the second. A later call replaces the
// source.
func (r *Registry) Observe(source func() []EndpointState) { r.endpointSource.Store(&source) }

// ObserveQueues makes source the origin of steelyard_queue_requests and
// steelyard_upstream_unavailable. It is called
// once per scrape, from any goroutine, and should name each upstream once. A later
// call replaces it.
func (r *Registry) ObserveQueues(source func() []QueueState) { r.queueSource.Store(&source) }

// ObserveDrift makes source the origin of steelyard_in_flight_drift. It is called once per scrape,
// from any goroutine. A later call replaces it.
func (r *Registry) ObserveDrift(source func() int64) { r.driftSource.Store(&source) }

// ObserveClients makes source the origin of steelyard_client_connections. It
// is called once per scrape, from any goroutine. A later call replaces it.
func (r *Registry) ObserveClients(source func() ClientConnections) { r.clientSource.Store(&source) }

// ObserveUsage makes source the origin of steelyard_requests_under_way and
// steelyard_memory_in_use_bytes. It is called once per scrape, from any goroutine.
func (r *Registry) ObserveUsage(source func() Usage) { r.usageSource.Store(&source) }
