// The servers of an SRV record: targets, ports, weights and priorities.

package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// atOnce is how many targets are looked up at the same time.
const atOnce = 16

// findServices returns the endpoints of an SRV record.
func (s *Source) findServices(ctx context.Context) ([]discovery.Endpoint, time.Duration, error) {
	var said answer
	_, err := s.resolver.search(s.options.Name, func(fqdn string) (_ addresses, err error) {
		said, err = s.resolver.records(ctx, fqdn, dns.TypeSRV)
		return addresses{}, err
	})
	if err != nil {
		return nil, 0, err
	}
	services := services(said.records)
	if len(services) == 0 {
		return nil, 0, fmt.Errorf("%s says by the target . that there is no such service: mend the record", s.options.Name)
	}
	places, holds, err := s.locate(ctx, services, said.extra)
	if err != nil {
		return nil, 0, err
	}
	return s.endpoints(services, places), min(holds, said.holds), nil
}

// services are the records that name a server, each target and port once, in a fixed order.
func services(records []dns.RR) []*dns.SRV {
	var list []*dns.SRV
	for _, rr := range records {
		if srv := rr.(*dns.SRV); srv.Target != "." {
			list = append(list, srv)
		}
	}
	name := func(a *dns.SRV) string { return dns.CanonicalName(a.Target) + strconv.Itoa(int(a.Port)) }
	slices.SortFunc(list, func(a, b *dns.SRV) int {
		if order := int(a.Priority) - int(b.Priority); order != 0 {
			return order
		}
		if name(a) != name(b) {
			if name(a) < name(b) {
				return -1
			}
			return 1
		}
		return int(b.Weight) - int(a.Weight)
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(srv *dns.SRV) bool {
		again := seen[name(srv)]
		seen[name(srv)] = true
		return again
	})
}

// locate finds the addresses of all targets. One whose name cannot be looked up is where it was; it fails only where
// none has a place.
func (s *Source) locate(ctx context.Context, services []*dns.SRV, extra []dns.RR) (map[string][]netip.Addr, time.Duration, error) {
	places, holds := map[string][]netip.Addr{}, mostTTL*time.Second
	var ask []string
	for _, srv := range services {
		name := dns.CanonicalName(srv.Target)
		if _, known := places[name]; known || slices.Contains(ask, name) {
			continue
		}
		if came, ok := within(extra, name); ok {
			places[name], holds = came.list, min(holds, came.holds)
		} else {
			ask = append(ask, name)
		}
	}
	found, errs := s.askAll(ctx, ask)
	var first error
	for i, name := range ask {
		_, gone := errors.AsType[*absent](errs[i])
		switch {
		case errs[i] == nil:
			places[name], holds = found[i].list, min(holds, found[i].holds)
		case !gone && len(s.last[name]) > 0:
			places[name], holds = s.last[name], 0
		default:
			holds = 0
			if first == nil {
				first = errs[i]
			}
		}
	}
	if len(places) == 0 {
		return nil, 0, fmt.Errorf("no target of the SRV record has an address: %w", first)
	}
	s.last = places
	return places, holds, nil
}

// askAll looks names up, a few at a time.
func (s *Source) askAll(ctx context.Context, names []string) ([]addresses, []error) {
	found, errs := make([]addresses, len(names)), make([]error, len(names))
	next := make(chan int)
	var all sync.WaitGroup
	for range min(atOnce, len(names)) {
		all.Go(func() {
			for i := range next {
				found[i], errs[i] = s.resolver.addresses(ctx, names[i], Auto)
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	all.Wait()
	return found, errs
}

// endpoints are the servers. Their capacity is their weight, unless no record has one. By RFC 2782 a record without
// weight among others gets a request in as many as all weights together, and one more: that is the share of a weight of 1.
func (s *Source) endpoints(services []*dns.SRV, places map[string][]netip.Addr) []discovery.Endpoint {
	weighted := slices.ContainsFunc(services, func(srv *dns.SRV) bool { return srv.Weight != 0 })
	tiers := map[uint16]int{}
	for _, srv := range services { // in the order of their priorities
		if _, known := tiers[srv.Priority]; !known {
			tiers[srv.Priority] = min(len(tiers), mostTier)
		}
	}
	var list []discovery.Endpoint
	for _, srv := range services {
		at := places[dns.CanonicalName(srv.Target)]
		for _, ip := range at {
			e := discovery.Endpoint{URL: serverURL(s.options.Scheme, ip.String(), int(srv.Port)), Tier: tiers[srv.Priority]}
			if len(at) == 1 {
				e.Name = net.JoinHostPort(shown(srv.Target), strconv.Itoa(int(srv.Port)))
			}
			if weighted {
				e.Capacity = float64(max(srv.Weight, 1))
			}
			list = append(list, e)
		}
	}
	return list
}

// mostTier is the last tier that the balancer has.
const mostTier = 9

func serverURL(scheme, host string, port int) string {
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}
