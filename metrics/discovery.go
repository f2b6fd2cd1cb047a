// The metrics of the sources of endpoints.

package metrics

import "time"

// DiscoveryState is what a scrape shows of a source of endpoints.
type DiscoveryState struct {
	Upstream, Source string

	Endpoints int           // in force
	Faults    int           // endpoints that it names and that cannot be used
	Stale     time.Duration // for how long what is in force is not what it says; 0: it is
	Away      bool          // it cannot be read
	Held      bool          // it drops so much that this waits
	Reads     uint64        // lists that were read
	Failures  uint64        // times that it could not be read
}

// ObserveDiscovery makes source the origin of the metrics of discovery. It is called once per scrape, from any goroutine, and
// should name each pair of upstream and source once. A later call replaces it.
func (r *Registry) ObserveDiscovery(source func() []DiscoveryState) { r.discoverySource.Store(&source) }

var (
	discoveryEndpoints = family("discovery_endpoints", "Endpoints in force that a source names.", "upstream", "source")
	discoveryFaults    = family("discovery_faults", "Endpoints that a source names and that cannot be used.", "upstream", "source")
	discoveryStale     = family("discovery_stale_seconds", "For how long what is in force is not what a source says, as it is away or drops too much; 0: it is.", "upstream", "source")
	discoveryTrouble   = family("discovery_trouble", "Whether a source is away, or what it says is held.", "upstream", "source", "trouble")
	discoveryReads     = family("discovery_reads_total", "Readings of a source, by whether they gave a list.", "upstream", "source", "result")
)

func (s *page) discovery(d *DiscoveryState) {
	s.gauge(discoveryEndpoints, float64(d.Endpoints), d.Upstream, d.Source)
	s.gauge(discoveryFaults, float64(d.Faults), d.Upstream, d.Source)
	s.gauge(discoveryStale, d.Stale.Seconds(), d.Upstream, d.Source)
	s.flag(discoveryTrouble, d.Away, d.Upstream, d.Source, "away")
	s.flag(discoveryTrouble, d.Held, d.Upstream, d.Source, "held")
	s.counter(discoveryReads, d.Reads, d.Upstream, d.Source, "list")
	s.counter(discoveryReads, d.Failures, d.Upstream, d.Source, "failed")
}
