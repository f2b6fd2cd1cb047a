// Whether any endpoint of a pool is well.

package balancer

import "time"

// Out reports whether no endpoint has been well for so long: each has a condition, or cannot be
// reached. Where nothing better is left such endpoints get requests all the same, and it is no
// news of any one of them if those fail.
func (p *Pool) Out(lasting time.Duration) bool {
	p.pick.Lock()
	defer p.pick.Unlock()
	s := p.snapshot.Load()
	for i := range s.Endpoints {
		if !p.outFor(&s.Endpoints[i], lasting) {
			return false
		}
	}
	return true
}

// outFor reports whether one endpoint has not been well for so long. The caller holds pick.
func (p *Pool) outFor(state *EndpointState, lasting time.Duration) bool {
	if len(state.Reasons) > 0 && time.Since(state.Reasons[0].Since) >= lasting {
		return true
	}
	o := &state.Endpoint.outage
	return o.at() != reachable && p.queue.now()-o.since >= lasting
}
