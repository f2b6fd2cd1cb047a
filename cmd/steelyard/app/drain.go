// Draining an endpoint, until its server may be switched off.

package app

import (
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Drain implements admin.Fleet. It and drainAs are the only writers of the condition Draining.
func (f *fleet) Drain(upstream, endpoint string, on bool, reason string) (bool, error) {
	for _, u := range f.all() {
		if u.name == upstream {
			changed, err := u.pool.SetCondition(endpoint, balancer.Draining, on, reason)
			if err == nil {
				f.drains.say(spot{upstream, endpoint}, on, reason)
			}
			return changed, err
		}
	}
	return false, fmt.Errorf("drain endpoint %s: no upstream %s", endpoint, upstream)
}

// inService is the servers that get requests, or will once an obstacle is away: some upstream has them and
// does not drain them.
func inService(all []upstream) map[*balancer.Load]bool {
	serving := map[*balancer.Load]bool{}
	for _, u := range all {
		for _, e := range u.pool.Snapshot().Endpoints {
			if draining(&e) == nil {
				serving[e.Endpoint.Load()] = true
			}
		}
	}
	return serving
}

// draining is why the endpoint drains, or nil.
func draining(e *balancer.EndpointState) *balancer.Reason {
	for i, r := range e.Reasons {
		if r.Condition == balancer.Draining {
			return &e.Reasons[i]
		}
	}
	return nil
}

// drained says whether the endpoint drains and its server may be switched off.
func drained(e *balancer.EndpointState, serving map[*balancer.Load]bool) bool {
	load := e.Endpoint.Load()
	return draining(e) != nil && !serving[load] && load.InFlight() == 0
}

// tellDrained publishes an event for each endpoint that has become drained. told are those that
// were when it was last called; it returns those that are now.
func (f *fleet) tellDrained(told map[*balancer.Endpoint]bool) (now map[*balancer.Endpoint]bool) {
	all := f.all()
	serving := inService(all)
	now = map[*balancer.Endpoint]bool{}
	for _, u := range all {
		for _, e := range u.pool.Snapshot().Endpoints {
			if !drained(&e, serving) {
				continue
			}
			now[e.Endpoint] = true
			if told[e.Endpoint] {
				continue
			}
			r := draining(&e)
			f.events.Publish(event.Event{
				Kind: event.Drained, Upstream: u.name, Endpoint: e.Endpoint.Name(), Cause: r.Text,
				Evidence: map[string]any{"seconds": time.Since(r.Since).Seconds()},
			})
		}
	}
	return now
}
