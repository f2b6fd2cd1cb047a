// The metrics of other gateways in front of the same servers.

package metrics

// Gateways is what a scrape shows of several gateways.
type Gateways struct {
	Count     int
	Reached   bool
	Elsewhere int64 // requests
	Others    []OtherGateway
	Leases    []Lease
}

// OtherGateway is one that is heard.
type OtherGateway struct {
	Name string
	Age  float64 // of what it has told, in seconds
}

// Lease is a right to act for all.
type Lease struct {
	Name string
	Ours bool
}

// ObserveGateways makes source the origin of the metrics of other gateways. It is called once per scrape, from any
// goroutine, and should name each gateway and each lease once. A later call replaces it.
func (r *Registry) ObserveGateways(source func() Gateways) { r.gatewaySource.Store(&source) }

func (s *page) gateways(now Gateways) {
	s.gauge(gateways, float64(now.Count))
	s.flag(gatewaysReached, now.Reached)
	s.gauge(gatewayElsewhere, float64(now.Elsewhere))
	for _, g := range now.Others {
		s.gauge(gatewayPageAge, g.Age, g.Name)
	}
	for _, l := range now.Leases {
		s.flag(gatewayLeads, l.Ours, l.Name)
	}
}
