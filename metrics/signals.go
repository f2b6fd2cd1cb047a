// The metrics of what engines say of themselves.

package metrics

import "time"

// SignalState is what a scrape shows of an endpoint whose engine is asked. A figure below zero is not
// known, and left out.
type SignalState struct {
	Upstream, Endpoint string

	Age              time.Duration // of what was said last; since asking began where nothing was
	Stale            bool          // it counts no more
	Running, Waiting float64       // requests
	CacheUsedRatio   float64
	CacheTokens      float64
	Foreign          float64 // requests of others
	Restarts         uint64
}

// ObserveSignals makes source the origin of the metrics of signals. It is called once per scrape, from
// any goroutine, and should name each pair of upstream and endpoint once. A later call replaces it.
func (r *Registry) ObserveSignals(source func() []SignalState) { r.signalSource.Store(&source) }

var (
	signalAge       = family("endpoint_signal_age_seconds", "Age of what the endpoint's engine said of itself last, or since it is asked where it never did.", "upstream", "endpoint")
	signalStale     = family("endpoint_signal_stale", "Whether that is too old to count, or comes from several servers in turn.", "upstream", "endpoint")
	engineRequests  = family("endpoint_engine_requests", "Requests that the engine counts, whoever sent them.", "upstream", "endpoint", "state")
	foreignRequests = family("endpoint_foreign_requests", "Requests there that did not come from this process: what the engine counts less ours, smoothed.", "upstream", "endpoint")
	cacheUsedRatio  = family("endpoint_cache_used_ratio", "Part of the engine's KV cache that is in use.", "upstream", "endpoint")
	cacheTokens     = family("endpoint_cache_tokens", "Tokens for which the engine's KV cache has room.", "upstream", "endpoint")
	restarts        = family("endpoint_restarts_total", "Restarts of the engine that its own figures have shown.", "upstream", "endpoint")
)

func (s *page) signal(g *SignalState) {
	s.gauge(signalAge, g.Age.Seconds(), g.Upstream, g.Endpoint)
	s.flag(signalStale, g.Stale, g.Upstream, g.Endpoint)
	s.counter(restarts, g.Restarts, g.Upstream, g.Endpoint)
	s.gauge(foreignRequests, g.Foreign, g.Upstream, g.Endpoint)
	if g.Running >= 0 {
		s.gauge(engineRequests, g.Running, g.Upstream, g.Endpoint, "running")
	}
	if g.Waiting >= 0 {
		s.gauge(engineRequests, g.Waiting, g.Upstream, g.Endpoint, "waiting")
	}
	if g.CacheUsedRatio >= 0 {
		s.gauge(cacheUsedRatio, g.CacheUsedRatio, g.Upstream, g.Endpoint)
	}
	if g.CacheTokens >= 0 {
		s.gauge(cacheTokens, g.CacheTokens, g.Upstream, g.Endpoint)
	}
}
