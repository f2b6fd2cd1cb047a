// Sources of endpoints as metrics and the admin API show them.

package app

import (
	"fmt"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// discoveries is what a scrape shows of all sources.
func (f *fleet) discoveries() (list []metrics.DiscoveryState) {
	for _, u := range f.all() {
		for _, fd := range u.finders {
			s, reads, fails := fd.state()
			list = append(list, metrics.DiscoveryState{
				Upstream: u.name, Source: fd.name, Endpoints: s.Endpoints, Stale: s.Stale, Faults: len(s.Faults), Reads: reads, Failures: fails,
				Away: s.Trouble == discovery.Away, Held: s.Trouble == discovery.Held || s.Trouble == discovery.Empty,
			})
		}
	}
	return list
}

// mostFaults bounds how many faults the API shows of a source.
const mostFaults = 20

// sources is what the admin API shows of an upstream's sources.
func (f *fleet) sources(u *upstream) (list []admin.Source) {
	for _, fd := range u.finders {
		s, _, _ := fd.state()
		shown := admin.Source{
			Name: fd.name, Kind: fd.kind, Endpoints: s.Endpoints, Version: s.Version, Known: s.Known,
			Trouble: s.Trouble.String(), Why: s.Why, StaleSeconds: s.Stale.Seconds(), Faults: []string{},
		}
		for i := range s.Faults {
			if i == mostFaults {
				shown.Faults = append(shown.Faults, fmt.Sprintf("and %d more", len(s.Faults)-mostFaults))
				break
			}
			shown.Faults = append(shown.Faults, s.Faults[i].Error())
		}
		f.mu.Lock()
		hidden := fd.hidden
		f.mu.Unlock()
		for _, name := range hidden {
			shown.Faults = append(shown.Faults, "endpoint "+name+" is left out: another of the upstream has its name; give it a name of its own")
		}
		list = append(list, shown)
	}
	return list
}
