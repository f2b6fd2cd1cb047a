// What one configuration means for requests: upstreams, targets and limits.

package proxy

import (
	"math"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/admission"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
	"github.com/steelyard-proxy/steelyard/proxy/route"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
)

// Generation is what one configuration means for requests. It is immutable.
type Generation struct {
	Routes    *route.Table
	Upstreams []*Upstream // by the number of the route's rule
	Priority  []Priority  // by the same

	BodyBytes   int64 // most bytes of a request's body
	ReplayBytes int64 // most bytes of a body that are held, so that it can be sent again
	BodyMemory  int64 // most bytes of all bodies held at once
	Lead        int64 // bytes that must have come of a body that streams through before it gets a slot

	// Of one client's address; 0: no bound.
	ClientRequests int64 // that wait for a slot or have one
	ClientWaiting  int64 // that wait for a slot
	ClientBody     int64 // bytes of its bodies held at once

	UpgradeIdle time.Duration
	Trust       []netip.Prefix // whose forwarding fields are believed

	Usage      bool   // somebody wants to know who asks, for what, and of the tokens of answers
	UserHeader []byte // in which peers of Trust name the user, in lower case; empty: in none
}

// Priority is what the requests of one rule may take, and whom they go before.
type Priority struct {
	Level uint8 // 0, the first to be turned away, to 9
	admission.Class
}

// trusts says whether the forwarding fields of a peer are believed. A peer
// without an address came through a unix socket: its file permissions vouch.
func (g *Generation) trusts(peer netip.Addr) bool {
	if !peer.IsValid() {
		return true
	}
	for _, p := range g.Trust {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

// Upstream is a pool of endpoints with the rules for requests to them. All times
// may be 0 for "no limit".
type Upstream struct {
	Name      string
	Pool      *balancer.Pool     // its endpoints have a *Target in their Via
	Fallback  *Upstream          // gets the requests while no endpoint is eligible; nil: they are refused
	PassHost  bool               // the endpoint gets the client's Host, else its own
	FirstByte time.Duration      // from the request sent to the head of its answer
	Idle      time.Duration      // between two pieces of an answer, or of a request taken
	Total     time.Duration      // of the whole exchange
	Predictor *predict.Predictor // of the work of its requests; nil: all are alike
	Affinity  Affinity           // to which session a request belongs
	WantsWork bool               // somebody wants to know the work of its requests: a queue, a meter or a log
	QueueTime bool               // answers say how long the request waited for a slot
	Keepalive time.Duration      // between two comments to a stream whose request waits; 0: it gets none
	// PickHeader: answers say which endpoint was chosen, and why.
	PickHeader bool
	Retry      retry.Policy        // when a request is tried again
	Budget     *retry.Budget       // how often that may be; nil: always
	Hedge      retry.Hedge         // when a second endpoint is asked beside the first
	Resume     bool                // streams of text that break off are taken up by another endpoint
	Suspects   *retry.Suspects     // of bodies that endpoints may have died of; nil: none is suspected
	Shedding   *admission.Shedding // of requests of low priorities; nil: none are turned away
	// Poisoned is told of a body that is refused from now on, and which request found that out; nil where nobody wants to know.
	Poisoned func(p retry.Poison, requestID string)
	// BudgetSpent is told once in a while that retries are refused, with the counts of the budget; nil likewise.
	BudgetSpent func(requests, retries, failed int64)
	Metrics     *metrics.Upstream
}

// Target is how requests get to one endpoint. It is what the endpoints of an
// upstream's pool have in their Via.
type Target struct {
	Name    string
	Host    string // for the Host field
	Conns   *transport.Pool
	Rating  Rating
	Meter   estimate.Meter // of what it can do; of use where it is told, see Measuring
	Metrics *metrics.Endpoint
	Waiting atomic.Int64            // requests that it has whole, and has not begun to answer; written by attempts
	judges  atomic.Pointer[[]Judge] // written by Appoint; nil: there are none
	signals atomic.Pointer[Signals] // written by Hear; nil: nobody hears its answers
}

// Rating is what an endpoint can do, as configured or as last measured. It is written by
// whoever measures, and read by requests.
type Rating struct {
	capacity atomic.Uint64 // bits of a float64
	slots    atomic.Int64
}

// Set says what holds from now on.
func (r *Rating) Set(capacity float64, slots int) {
	r.capacity.Store(math.Float64bits(capacity))
	r.slots.Store(int64(slots))
}

// Get returns the capacity and the slots, 0 for no limit.
func (r *Rating) Get() (capacity float64, slots int) {
	return math.Float64frombits(r.capacity.Load()), int(r.slots.Load())
}
