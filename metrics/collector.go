package metrics

import "github.com/prometheus/client_golang/prometheus"

// collector turns the registry's own instruments and the observed state into
// what Prometheus reads.
type collector struct{ registry *Registry }

func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs {
		ch <- d
	}
}

func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := sink(ch)
	upstreams, endpoints := c.registry.all()
	for _, u := range upstreams {
		s.upstream(u)
		if u.name != "" {
			s.queue(u)
		}
	}
	for _, e := range endpoints {
		s.answers(e)
		s.transport(e)
	}
	if source := c.registry.endpointSource.Load(); source != nil {
		for _, state := range (*source)() {
			s.state(&state)
		}
	}
	if source := c.registry.queueSource.Load(); source != nil {
		for _, queue := range (*source)() {
			s.gauge(queueRequests, float64(queue.Waiting), queue.Upstream)
		}
	}
	if source := c.registry.predictorSource.Load(); source != nil {
		for _, p := range (*source)() {
			s.predictor(&p)
		}
	}
	if source := c.registry.clientSource.Load(); source != nil {
		now := (*source)()
		s.gauge(clientConnections, float64(now.Idle), "idle")
		s.gauge(clientConnections, float64(now.Active), "active")
		s.gauge(clientConnections, float64(now.Tunnel), "tunnel")
	}
}

// sink is where one scrape's samples go.
type sink chan<- prometheus.Metric

func (s sink) upstream(u *Upstream) {
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

func (s sink) queue(u *Upstream) {
	s <- u.queueWait.metric(queueWaitTime, u.name)
	for i, label := range unqueuedLabels {
		s.counter(queueRefused, u.unqueued[i].Load(), u.name, label)
	}
}

func (s sink) answers(e *Endpoint) {
	for i, label := range classLabels {
		s.counter(requests, e.requests[i].Load(), e.upstream, e.name, label)
	}
	for i, labels := range trafficLabels {
		s.counter(bytesTotal, e.bytes[i].Load(), e.upstream, e.name, labels[0], labels[1])
	}
	s <- e.response.metric(responseTime, e.upstream, e.name)
	s <- e.firstByte.metric(firstByteTime, e.upstream, e.name)
	s <- e.overhead.metric(overheadTime, e.upstream, e.name)
	s.counter(truncated, e.truncated.Load(), e.upstream, e.name)
	for i, label := range repeatLabels {
		s.counter(repeats, e.repeats[i].Load(), e.upstream, e.name, label)
	}
}

func (s sink) transport(e *Endpoint) {
	s.counter(opened, e.opened.Load(), e.upstream, e.name)
	s.counter(reused, e.reused.Load(), e.upstream, e.name)
	s.counter(stale, e.stale.Load(), e.upstream, e.name)
	for i, label := range probeLabels {
		s.counter(probes, e.probes[i].Load(), e.upstream, e.name, label)
	}
	seconds := float64(e.probeNanos.Load()) / 1e9
	s.send(probeTime, prometheus.CounterValue, seconds, e.upstream, e.name)
}

func (s sink) state(e *EndpointState) {
	s.gauge(inFlight, float64(e.InFlight), e.Upstream, e.Endpoint)
	s.gauge(baseCapacity, e.BaseCapacity, e.Upstream, e.Endpoint)
	s.gauge(effectiveCapacity, e.EffectiveCapacity, e.Upstream, e.Endpoint)
	s.gauge(endpointSlots, float64(e.Slots), e.Upstream, e.Endpoint)
	s.gauge(expectedShare, e.ShareRatio, e.Upstream, e.Endpoint)
	s.flag(eligible, e.Eligible, e.Upstream, e.Endpoint)
	s.flag(busy, e.Busy, e.Upstream, e.Endpoint)
	s.flag(unreachable, e.Unreachable, e.Upstream, e.Endpoint)
	s.flag(condition, e.Draining, e.Upstream, e.Endpoint, "draining")
	s.flag(condition, e.Departing, e.Upstream, e.Endpoint, "departing")
	s.flag(condition, e.ProbeFailed, e.Upstream, e.Endpoint, "probe_failed")
	s.flag(condition, e.Ejected, e.Upstream, e.Endpoint, "ejected")
	s.gauge(connections, float64(e.IdleConnections), e.Upstream, e.Endpoint, "idle")
	s.gauge(connections, float64(e.ActiveConnections), e.Upstream, e.Endpoint, "active")
}

func (s sink) counter(d *prometheus.Desc, n uint64, labels ...string) {
	s.send(d, prometheus.CounterValue, float64(n), labels...)
}

func (s sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.send(d, prometheus.GaugeValue, v, labels...)
}

func (s sink) flag(d *prometheus.Desc, set bool, labels ...string) {
	v := 0.0
	if set {
		v = 1
	}
	s.send(d, prometheus.GaugeValue, v, labels...)
}

func (s sink) send(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
	m, err := prometheus.NewConstMetric(d, kind, v, labels...)
	s <- orInvalid(d, m, err)
}

// orInvalid keeps a label that Prometheus refuses (bytes that are not UTF-8)
// from costing more than its own samples.
func orInvalid(d *prometheus.Desc, m prometheus.Metric, err error) prometheus.Metric {
	if err != nil {
		return prometheus.NewInvalidMetric(d, err)
	}
	return m
}
