// The registry: every instrument of the process.

package metrics

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Build says which program is running.
type Build struct {
	Version  string // as `steelyard version` prints it
	Revision string // of the source, or ""
}

// Registry owns every instrument of one process. All methods are safe for
// concurrent use.
type Registry struct {
	version    string
	prometheus *prometheus.Registry // the metrics of the Go runtime and the process
	own        *prometheus.Registry // those of the gateway as a whole that the library keeps
	gateway    gateway
	exposition exposition

	// Written by the methods Observe…, read by each scrape.
	endpointSource atomic.Pointer[func() []EndpointState]
	queueSource    atomic.Pointer[func() []QueueState]
	clientSource   atomic.Pointer[func() ClientConnections]
	driftSource    atomic.Pointer[func() int64]
	usageSource    atomic.Pointer[func() Usage]
	gatewaySource  atomic.Pointer[func() Gateways]

	predictorSource atomic.Pointer[func() []PredictorState]
	eventSource     atomic.Pointer[func() []EventCount]
	signalSource    atomic.Pointer[func() []SignalState]
	discoverySource atomic.Pointer[func() []DiscoveryState]
	resourceSource  atomic.Pointer[func() []ResourceState]
	webhookSource   atomic.Pointer[func() []WebhookState]
	analysisSource  atomic.Pointer[func() Analysis]
	notifySource    atomic.Pointer[func() []NotifyState]
	scaleSource     atomic.Pointer[func() []ScaleState]
	alertSource     atomic.Pointer[func() ([]AlertState, AlertWork)]

	expected atomic.Pointer[[]Failure] // written by ExpectFailures

	mu        sync.Mutex // guards both maps; never taken on the request path
	endpoints map[endpointKey]*Endpoint
	upstreams map[string]*Upstream
}

type endpointKey struct{ upstream, endpoint string }

// New returns a registry that already exposes the build, the Go runtime and
// the process.
func New(build Build) *Registry {
	r := &Registry{
		version:    build.Version,
		prometheus: prometheus.NewRegistry(),
		own:        prometheus.NewRegistry(),
		endpoints:  make(map[endpointKey]*Endpoint),
		upstreams:  make(map[string]*Upstream),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "steelyard_build_info",
		Help: "Always 1; the labels say which program is running.",
		ConstLabels: prometheus.Labels{
			"version": build.Version, "revision": build.Revision, "go_version": runtime.Version(),
		},
	})
	info.Set(1)
	r.own.MustRegister(info)
	r.prometheus.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.gateway = newGateway(r.own)
	r.exposition.registry = r
	return r
}

// Version is that of the program.
func (r *Registry) Version() string { return r.version }

// Endpoint returns the instruments of an endpoint, made on first use. Keep
// the pointer: this takes a lock.
func (r *Registry) Endpoint(upstream, endpoint string) *Endpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := endpointKey{upstream, endpoint}
	e := r.endpoints[key]
	if e == nil {
		e = newEndpoint(upstream, endpoint)
		r.endpoints[key] = e
	}
	return e
}

// Upstream returns the instruments of an upstream, made on first use; "" is
// for requests that have none. Keep the pointer: this takes a lock.
func (r *Registry) Upstream(upstream string) *Upstream {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.upstreams[upstream]
	if u == nil {
		u = newUpstream(upstream)
		r.upstreams[upstream] = u
	}
	return u
}

// Forget removes an endpoint's label sets. Call it when no running generation
// names the endpoint any longer. Late requests may still count into the old
// pointer, which is not shown. An endpoint that returns counts from zero.
func (r *Registry) Forget(upstream, endpoint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := endpointKey{upstream, endpoint}
	if e, u := r.endpoints[key], r.upstreams[upstream]; e != nil && u != nil {
		u.overhead.add(&e.overhead)
	}
	delete(r.endpoints, key)
}

// ForgetUpstream removes the label sets of an upstream and of all its
// endpoints.
func (r *Registry) ForgetUpstream(upstream string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.upstreams, upstream)
	for key := range r.endpoints {
		if key.upstream == upstream {
			delete(r.endpoints, key)
		}
	}
}

// all returns the instruments that exist now, so that a scrape is rendered
// without the lock.
func (r *Registry) all() ([]*Upstream, []*Endpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	upstreams := make([]*Upstream, 0, len(r.upstreams))
	for _, u := range r.upstreams {
		upstreams = append(upstreams, u)
	}
	endpoints := make([]*Endpoint, 0, len(r.endpoints))
	for _, e := range r.endpoints {
		endpoints = append(endpoints, e)
	}
	slices.SortFunc(upstreams, func(a, b *Upstream) int { return cmp.Compare(a.name, b.name) })
	slices.SortFunc(endpoints, func(a, b *Endpoint) int {
		return cmp.Or(cmp.Compare(a.upstream, b.upstream), cmp.Compare(a.name, b.name))
	})
	return upstreams, endpoints
}

// ExpectFailures names the failures that every upstream shows from the start, with 0, so
// that the first of them is an increase. Others appear when they have happened.
func (r *Registry) ExpectFailures(list []Failure) { r.expected.Store(&list) }
