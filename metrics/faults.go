// The metrics of faults that were found, and of what is foretold.

package metrics

var (
	faultsUp    = family("faults", "Faults of the upstream that go on now, by what is odd; see metrics/anomaly/FAULTS.md. Shadow ones count too.", "upstream", "kind")
	faultsFound = family("faults_found_total", "Faults found, by what is odd.", "upstream", "kind")
	trendsUp    = family("trends", "Figures of the upstream that will be out of their limits within a week.", "upstream")
	foretold    = family("forecast_rate", "What is foretold, per second: requests without retries (arrivals) or their predicted work (work), so far ahead; one value in twenty is below p05, one above p95.", "upstream", "series", "horizon", "bound")
)

// FaultCount is the faults of one upstream and kind.
type FaultCount struct {
	Upstream, Kind string
	Up             int
	Found          uint64
}

// TrendCount is the trends of one upstream.
type TrendCount struct {
	Upstream string
	Up       int
}

// ForecastValue is one figure that is foretold.
type ForecastValue struct {
	Upstream, Series, Horizon, Bound string
	Rate                             float64
}

// Analysis is what a scrape shows of faults and forecasts. Each combination of labels is to be named once.
type Analysis struct {
	Faults    []FaultCount
	Trends    []TrendCount
	Forecasts []ForecastValue
}

// ObserveAnalysis makes source the origin of the metrics of faults and forecasts. It is called once per scrape, from any
// goroutine. A later call replaces it.
func (r *Registry) ObserveAnalysis(source func() Analysis) { r.analysisSource.Store(&source) }

func (r *Registry) collectAnalysis(s *page) {
	source := r.analysisSource.Load()
	if source == nil {
		return
	}
	now := (*source)()
	for _, f := range now.Faults {
		s.gauge(faultsUp, float64(f.Up), f.Upstream, f.Kind)
		s.counter(faultsFound, f.Found, f.Upstream, f.Kind)
	}
	for _, t := range now.Trends {
		s.gauge(trendsUp, float64(t.Up), t.Upstream)
	}
	for _, f := range now.Forecasts {
		s.gauge(foretold, f.Rate, f.Upstream, f.Series, f.Horizon, f.Bound)
	}
}
