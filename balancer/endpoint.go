// An endpoint, and how it is described to a pool.

package balancer

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// lastID is the last identity given out in this process. Written by newEndpoint.
var lastID atomic.Int64

// EndpointOptions describes one endpoint of an upstream.
type EndpointOptions struct {
	Name string // unique in its upstream
	URL  string // scheme://host:port; together with Name and UID the endpoint's identity
	// UID is who the server is beyond its address, where addresses come again; "": the address is all. Servers with another
	// UID have a Load of their own.
	UID string
	// Arriving gives a new endpoint that condition from the start.
	Arriving bool
	// Capacity is the rate of work the endpoint sustains, in any unit shared by its
	// upstream: positive and finite.
	Capacity float64
	// Slots is how many requests the endpoint's server works on at once, over all pools that
	// name the server; 0 for no limit. Where pools say different numbers the least counts.
	Slots int
	// Departing says why the endpoint gets no new requests, since it is about to go; "": it is not.
	Departing string
	// Tier is 0 for what is used first; higher ones are used where those before them fall short.
	Tier int
	// CacheTokens is for how many tokens of prompts the server's cache has room: 0, that this is not
	// known, and below 0, that it keeps none. Where pools say different numbers the least counts.
	CacheTokens int64
	// Via says how the endpoint is reached, to whoever sends the requests; a comparable value.
	// Where it changes the pool makes another Endpoint, which has the same conditions.
	Via any
}

// validate reports everything that is wrong with the options, as one error.
func (o EndpointOptions) validate() error {
	var problems []error
	if o.Name == "" {
		problems = append(problems, fmt.Errorf("endpoint %q has no name: give it one that is unique in its upstream", o.URL))
	}
	if o.URL == "" {
		problems = append(problems, fmt.Errorf("endpoint %q has no URL: give it scheme://host:port", o.Name))
	}
	if !(o.Capacity > 0) || math.IsInf(o.Capacity, 1) {
		problems = append(problems, fmt.Errorf("endpoint %q: capacity must be positive and finite, is %v", o.Name, o.Capacity))
	}
	if o.Slots < 0 {
		problems = append(problems, fmt.Errorf("endpoint %q: slots must be 0 (no limit) or more, is %d", o.Name, o.Slots))
	}
	if o.Tier < 0 {
		problems = append(problems, fmt.Errorf("endpoint %q: the tier must be 0 (used first) or more, is %d", o.Name, o.Tier))
	}
	return errors.Join(problems...)
}

// Endpoint is one addressable inference server, as one pool sees it. Its pointer is its
// identity: it stays the same for as long as the pool has a member of this name, URL and Via.
// What it shows does not change, but for the counters of its Load and Unreachable.
type Endpoint struct {
	pool *Pool
	seat int // its index in the picker of the pool's snapshot, or unseated; guarded by pool.pick
	id   int
	name string
	url  string
	uid  string
	load *Load
	via  any

	outage  outage
	trial   trial
	cooling cooling

	_       [cacheLine]byte // what follows is written per request, and what came before is read
	service dispatch.Service
}

func newEndpoint(p *Pool, o EndpointOptions) *Endpoint {
	e := &Endpoint{pool: p, seat: unseated, id: int(lastID.Add(1) - 1), name: o.Name, url: o.URL, uid: o.UID, via: o.Via}
	e.load = p.loads.hold(serverKey(o.URL, o.UID), e)
	return e
}

// ID returns the number of the endpoint: they count from 0 in the process, and none is used twice.
func (e *Endpoint) ID() int { return e.id }

// Name returns the endpoint's name, unique in its upstream.
func (e *Endpoint) Name() string { return e.name }

// URL returns the endpoint's URL as it was configured.
func (e *Endpoint) URL() string { return e.url }

// UID returns who the server is beyond its address, as its options said.
func (e *Endpoint) UID() string { return e.uid }

// Via returns how the endpoint is reached, as its options said.
func (e *Endpoint) Via() any { return e.via }

// Load returns the work in flight at the endpoint's server, shared by every pool that names the server.
func (e *Endpoint) Load() *Load { return e.load }

// Unreachable reports whether a lease of the endpoint ended as ConnectFailed and nothing has
// shown since that the endpoint can be reached. For as long as another endpoint can be, it is
// passed over for a while, and then given to one request at a time. It may be eligible all the
// same. Unreachable takes no lock.
func (e *Endpoint) Unreachable() bool { return e.outage.at() != reachable }

// serverKey is what the Load of a server is known by, in this process and in others.
func serverKey(rawURL, uid string) string {
	if uid == "" {
		return serverAddress(rawURL)
	}
	return serverAddress(rawURL) + " " + uid
}

// Server returns what the Load of the endpoint's server is known by, in this process and in others.
func (e *Endpoint) Server() string { return serverKey(e.url, e.uid) }

// serverAddress returns host:port of an endpoint's URL, the key of the server behind it. A
// port that is missing is the scheme's. What is no such URL, like a socket's path, is its own key.
func serverAddress(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return rawURL
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if strings.EqualFold(u.Scheme, "https") {
			port = "443"
		}
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
