// The gateway's own instruments, as they would count the week.

package week

import (
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// instruments are those of a gateway. now is the virtual time that gauges are of.
type instruments struct {
	registry  *metrics.Registry
	upstream  *metrics.Upstream
	endpoints map[string]*metrics.Endpoint
	now       time.Duration
}

func newInstruments() *instruments {
	n := &instruments{registry: metrics.New(metrics.Build{Version: "week"}), endpoints: map[string]*metrics.Endpoint{}}
	n.upstream = n.registry.Upstream(name)
	for _, s := range servers {
		n.endpoints[s.name] = n.registry.Endpoint(name, s.name)
	}
	n.registry.Observe(n.states)
	n.registry.ObserveQueues(func() []metrics.QueueState { return []metrics.QueueState{{Upstream: name, Unavailable: n.out()}} })
	n.registry.Reloaded(true)
	return n
}

// out says whether the servers fail their probes.
func (n *instruments) out() bool { return n.now >= outFrom && n.now < outTo }

func (n *instruments) states() (list []metrics.EndpointState) {
	for _, s := range servers {
		list = append(list, metrics.EndpointState{
			Upstream: name, Endpoint: s.name, BaseCapacity: s.capacity, EffectiveCapacity: s.capacity, Slots: slots,
			Eligible: !n.out(), ProbeFailed: n.out(),
		})
	}
	return list
}

// add counts a request that has ended.
func (n *instruments) add(r *usage.Row) {
	if r.Queue > 0 && r.Failure == "" {
		n.upstream.Queued(r.Queue)
	}
	if e := n.endpoints[r.Endpoint]; e != nil {
		e.Answered(r.Status, r.Response, r.FirstByte, r.Overhead)
		return
	}
	n.upstream.Answered(r.Status)
	n.upstream.Failed(metrics.Failure{Code: r.Failure, Source: "steelyard"})
	if r.Failure == "queue_timeout" {
		n.upstream.Unqueued(metrics.QueueTimeout)
	}
}
