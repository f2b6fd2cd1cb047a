// Figures that may be on their way out of their limits.

package app

import (
	"os"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/health/probe"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/anomaly"
)

const (
	// mostTruncated and mostStale are the parts of answers that may be cut short, and of reused connections that may be dead.
	mostTruncated, mostStale = 0.02, 0.2
	// leastParts is how many there must have been between two looks for a part of them to say something.
	leastParts = 50
)

// wornKey is whose wear it is.
type wornKey struct{ upstream, endpoint string }

// gauges are those of memory, open files, capacities that are measured, probes, and answers and connections that end too soon.
func (n *anomalies) gauges() (list []anomaly.Gauge) {
	a := n.app
	a.mu.Lock()
	cfg := a.config
	a.mu.Unlock()
	limit := int64(cfg.Limits.Memory)
	if limit == 0 {
		limit = a.fleet.memory
	}
	if limit > 0 {
		list = append(list, anomaly.Gauge{Quantity: "memory in use", Value: float64(a.handler.Guard.Memory()), Limit: float64(limit)})
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		list = append(list, anomaly.Gauge{Quantity: "the number of open files", Value: float64(len(open)), Limit: float64(descriptorLimit())})
	}
	list = append(list, capacityGauges(cfg, a.fleet.snapshots())...)
	worn := map[wornKey]metrics.Wear{}
	for _, u := range a.fleet.all() {
		for _, m := range u.members {
			if p := m.lastProbe.Load(); p != nil && p.TookSeconds > 0 && p.Result == probe.Passed.String() {
				list = append(list, anomaly.Gauge{
					Upstream: u.config.Name, Endpoint: m.name, Quantity: "the time of a probe", Value: p.TookSeconds, Limit: u.config.Health.Timeout.Seconds(), Factor: true,
				})
			}
			key, is := wornKey{u.config.Name, m.name}, m.instruments.Wear()
			worn[key] = is
			if was, known := n.worn[key]; known {
				list = append(list, wearGauges(key, was, is)...)
			}
		}
	}
	n.worn = worn
	return list
}

// capacityGauges are of capacities that are measured.
func capacityGauges(cfg *configs.Config, snapshots []*balancer.Snapshot) (list []anomaly.Gauge) {
	const half = 0.5 // of what it was when it was first seen
	for i, s := range snapshots {
		if i >= len(cfg.Upstreams) || cfg.Upstreams[i].Name != s.Upstream {
			break // a reload is under way
		}
		for j := range s.Endpoints {
			e := &s.Endpoints[j]
			if j < len(cfg.Upstreams[i].Endpoints) && cfg.Upstreams[i].Endpoints[j].Capacity.Auto && e.Base > 0 {
				list = append(list, anomaly.Gauge{
					Upstream: s.Upstream, Endpoint: e.Endpoint.Name(), Quantity: "measured capacity", Value: e.Base, Factor: true, Portion: half,
				})
			}
		}
	}
	return list
}

// wearGauges are the parts of answers and of connections that ended too soon between two looks.
func wearGauges(of wornKey, was, is metrics.Wear) (list []anomaly.Gauge) {
	if is.Answers < was.Answers || is.Truncated < was.Truncated || is.Reused < was.Reused || is.Stale < was.Stale {
		return nil // the counters began anew
	}
	add := func(quantity string, ill, all uint64, limit float64) {
		if all >= leastParts {
			list = append(list, anomaly.Gauge{Upstream: of.upstream, Endpoint: of.endpoint, Quantity: quantity, Value: float64(ill) / float64(all), Limit: limit})
		}
	}
	add("the part of its answers that are cut short", is.Truncated-was.Truncated, is.Answers-was.Answers, mostTruncated)
	add("the part of its idle connections that are dead", is.Stale-was.Stale, is.Reused-was.Reused, mostStale)
	return list
}
