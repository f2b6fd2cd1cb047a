// Putting all counts and observed states on a page.

package metrics

import (
	"cmp"
	"maps"
	"slices"
	"sync/atomic"
)

// collect puts the registry's own instruments and the observed state on a page.
func (r *Registry) collect(s *page) {
	upstreams, endpoints := r.all()
	for _, u := range upstreams {
		s.upstream(u)
		s.failures(u, r.expected.Load())
		if u.name != "" {
			s.queue(u)
		}
	}
	overheads := overheadByUpstream(upstreams, endpoints)
	for _, e := range endpoints {
		s.answers(e)
		s.prompts(e)
		s.transport(e)
		s.breathe()
	}
	for _, o := range overheads {
		s.histogram(overheadTime, &o.histogram, o.upstream)
	}
	r.collectState(s)
	r.collectEvents(s)
	r.collectAnalysis(s)
	r.collectAlerts(s)
	r.collectScales(s)
}

// overhead is the sum of the overhead histograms of one upstream's endpoints.
type overhead struct {
	upstream string
	histogram
}

// overheadByUpstream adds up the overhead of each upstream's endpoints, and of those that are
// gone. It is counted by endpoint so that cores do not contend for one word.
func overheadByUpstream(upstreams []*Upstream, endpoints []*Endpoint) (list []*overhead) {
	byName := map[string]*overhead{}
	of := func(name string) *overhead {
		if byName[name] == nil {
			byName[name] = &overhead{name, newHistogram(overheadBounds)}
			list = append(list, byName[name])
		}
		return byName[name]
	}
	for _, e := range endpoints {
		of(e.upstream).add(&e.overhead)
	}
	for _, u := range upstreams {
		if u.name != "" {
			of(u.name).add(&u.overhead)
		}
	}
	return list
}

// collectState adds what is asked for at each scrape, not counted.
func (r *Registry) collectState(s *page) {
	if source := r.endpointSource.Load(); source != nil {
		seen := map[endpointKey]bool{}
		for _, state := range (*source)() {
			key := endpointKey{state.Upstream, state.Endpoint}
			if !seen[key] { // a page that names a pair twice is refused whole
				seen[key] = true
				s.state(&state)
				s.breathe()
			}
		}
	}
	if source := r.queueSource.Load(); source != nil {
		for _, queue := range (*source)() {
			s.gauge(queueRequests, float64(queue.Waiting), queue.Upstream)
			s.flag(unavailable, queue.Unavailable, queue.Upstream)
		}
	}
	if source := r.predictorSource.Load(); source != nil {
		for _, p := range (*source)() {
			s.predictor(&p)
		}
	}
	if source := r.signalSource.Load(); source != nil {
		seen := map[endpointKey]bool{}
		for _, state := range (*source)() {
			key := endpointKey{state.Upstream, state.Endpoint}
			if !seen[key] {
				seen[key] = true
				s.signal(&state)
			}
		}
	}
	if source := r.discoverySource.Load(); source != nil {
		for _, state := range (*source)() {
			s.discovery(&state)
		}
	}
	if source := r.resourceSource.Load(); source != nil {
		seen := map[endpointKey]bool{}
		for _, state := range (*source)() {
			key := endpointKey{state.Upstream, state.Endpoint}
			if !seen[key] {
				seen[key] = true
				s.resources(&state)
			}
		}
	}
	if source := r.driftSource.Load(); source != nil {
		s.gauge(inFlightDrift, float64((*source)()))
	}
	if source := r.gatewaySource.Load(); source != nil {
		s.gateways((*source)())
	}
	if source := r.clientSource.Load(); source != nil {
		now := (*source)()
		s.gauge(clientConnections, float64(now.Idle), "idle")
		s.gauge(clientConnections, float64(now.Active), "active")
		s.gauge(clientConnections, float64(now.Tunnel), "tunnel")
	}
	if source := r.usageSource.Load(); source != nil {
		now := (*source)()
		s.gauge(requestsUnderWay, float64(now.Requests))
		s.gauge(memoryInUse, float64(now.Memory))
	}
}

func (s *page) upstream(u *Upstream) {
	for i, label := range classLabels {
		s.counter(requests, u.requests[i].Load(), u.name, "", label)
	}
	for i, label := range phaseLabels {
		s.counter(cancellations, u.cancelled[i].Load(), u.name, label)
	}
	for i, labels := range trafficLabels {
		s.counter(bytesTotal, u.bytes[i].Load(), u.name, "", labels[0], labels[1])
	}
}

func (s *page) queue(u *Upstream) {
	s.histogram(queueWaitTime, &u.queueWait, u.name)
	s.counter(queueBegun, u.early.Load(), u.name)
	for i, label := range unqueuedLabels {
		s.counter(queueRefused, u.unqueued[i].Load(), u.name, label)
	}
	s.counter(fallbacks, u.fellBack.Load(), u.name)
	for i, label := range hedgeLabels {
		s.counter(hedges, u.hedged[i].Load(), u.name, label)
	}
	s.counter(retriesRefused, u.unretried.Load(), u.name)
}

func (s *page) answers(e *Endpoint) {
	for i, label := range classLabels {
		s.counter(requests, e.requests[i].Load(), e.upstream, e.name, label)
	}
	for i, labels := range trafficLabels {
		s.counter(bytesTotal, e.bytes[i].Load(), e.upstream, e.name, labels[0], labels[1])
	}
	s.histogram(responseTime, &e.response, e.upstream, e.name)
	s.histogram(firstByteTime, &e.firstByte, e.upstream, e.name)
	s.counter(truncated, e.truncated.Load(), e.upstream, e.name)
	for i, label := range repeatLabels {
		s.counter(repeats, e.repeats[i].Load(), e.upstream, e.name, label)
	}
}

// prompts writes what was counted of prompts, where any was.
func (s *page) prompts(e *Endpoint) {
	if !e.prompted.Load() {
		return
	}
	for i, f := range prompts {
		s.counter(f, e.prompts[i].Load(), e.upstream, e.name)
	}
}

func (s *page) transport(e *Endpoint) {
	s.counter(opened, e.opened.Load(), e.upstream, e.name)
	s.counter(reused, e.reused.Load(), e.upstream, e.name)
	s.counter(stale, e.stale.Load(), e.upstream, e.name)
	for i, label := range probeLabels {
		s.counter(probes, e.probes[i].Load(), e.upstream, e.name, label)
	}
	s.ejections(e)
	s.gauge(probeTime, float64(e.probeNanos.Load())/1e9, e.upstream, e.name)
	if !e.named.Load() {
		return
	}
	for i, label := range lookupLabels {
		s.counter(lookups, e.lookups[i].Load(), e.upstream, e.name, label)
	}
}

// ejections writes those that there have been: most endpoints never have one.
func (s *page) ejections(e *Endpoint) {
	for mode, label := range ejectionModeLabels {
		for i, detector := range detectorLabels {
			if n := e.ejections[mode][i].Load(); n > 0 {
				s.counter(ejections, n, e.upstream, e.name, detector, label)
			}
		}
	}
	if n := e.slowing.Load(); n > 0 {
		s.counter(slowing, n, e.upstream, e.name)
	}
}

func (s *page) state(e *EndpointState) {
	s.gauge(inFlight, float64(e.InFlight), e.Upstream, e.Endpoint)
	s.gauge(baseCapacity, e.BaseCapacity, e.Upstream, e.Endpoint)
	s.gauge(effectiveCapacity, e.EffectiveCapacity, e.Upstream, e.Endpoint)
	s.flag(endpointCooling, e.Cooling, e.Upstream, e.Endpoint)
	s.flag(endpointOnTrial, e.OnTrial, e.Upstream, e.Endpoint)
	s.gauge(endpointSlots, float64(e.Slots), e.Upstream, e.Endpoint)
	s.gauge(expectedShare, e.ShareRatio, e.Upstream, e.Endpoint)
	s.flag(eligible, e.Eligible, e.Upstream, e.Endpoint)
	s.flag(busy, e.Busy, e.Upstream, e.Endpoint)
	s.flag(unreachable, e.Unreachable, e.Upstream, e.Endpoint)
	s.flag(condition, e.Draining, e.Upstream, e.Endpoint, "draining")
	s.flag(condition, e.Departing, e.Upstream, e.Endpoint, "departing")
	s.flag(condition, e.Arriving, e.Upstream, e.Endpoint, "arriving")
	s.flag(condition, e.ProbeFailed, e.Upstream, e.Endpoint, "probe_failed")
	s.flag(condition, e.Ejected, e.Upstream, e.Endpoint, "ejected")
	s.gauge(connections, float64(e.IdleConnections), e.Upstream, e.Endpoint, "idle")
	s.gauge(connections, float64(e.ActiveConnections), e.Upstream, e.Endpoint, "active")
}

// failures writes the expected failures, and all others that have happened.
func (s *page) failures(u *Upstream, expected *[]Failure) {
	shown := map[Failure]uint64{}
	if expected != nil && u.name != "" {
		for _, f := range *expected {
			shown[f] = 0
		}
	}
	u.failed.Range(func(f, n any) bool {
		shown[f.(Failure)] = n.(*atomic.Uint64).Load()
		return true
	})
	for _, f := range slices.SortedFunc(maps.Keys(shown), Failure.compare) {
		s.counter(failures, shown[f], u.name, f.Code, f.Source)
	}
}

func (f Failure) compare(other Failure) int {
	return cmp.Or(cmp.Compare(f.Code, other.Code), cmp.Compare(f.Source, other.Source))
}
